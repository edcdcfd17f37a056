{# The form under which two labels count as one: Pipedrive compares labels after trim and case-fold. #}
{% macro case_folded(expression) -%}
lower(trim(regexp_replace({{ expression }}, '\s+', ' ', 'g')))
{%- endmacro %}
