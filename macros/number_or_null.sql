{% macro number_or_null(expression, type='decimal(18, 4)') -%}
    try_cast(trim({{ expression }}) as {{ type }})
{%- endmacro %}
