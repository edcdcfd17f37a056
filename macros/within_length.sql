{# Text that fits its field; longer text is not cut but left to a long-text field. #}
{% macro within_length(expression, characters=255) -%}
case when length({{ expression }}) <= {{ characters }} then {{ expression }} end
{%- endmacro %}
