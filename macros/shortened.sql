{# Text cut to fit, visibly; whoever uses it keeps the full text elsewhere. #}
{% macro shortened(expression, characters=255) -%}
    case
        when length({{ expression }}) > {{ characters }}
            then left({{ expression }}, {{ characters }} - 1) || '…'
        else {{ expression }}
    end
{%- endmacro %}
