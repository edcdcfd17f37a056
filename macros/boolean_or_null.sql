{% macro boolean_or_null(expression) -%}
    case
        when lower(trim({{ expression }})) in ('true', 't', 'yes', 'y', '1', '1.0')
            then true
        when lower(trim({{ expression }})) in ('false', 'f', 'no', 'n', '0', '0.0')
            then false
    end
{%- endmacro %}
