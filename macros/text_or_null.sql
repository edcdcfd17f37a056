{% macro text_or_null(expression) -%}
    nullif(trim({{ expression }}), '')
{%- endmacro %}
