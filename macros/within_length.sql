{# Text that fits its field; longer text is left to a long-text field, never cut. #}
{% macro within_length(expression, characters=255) -%}
    case when length({{ expression }}) <= {{ characters }} then {{ expression }} end
{%- endmacro %}
