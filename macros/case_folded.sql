{# The form under which Pipedrive counts two labels as one: trimmed and case-folded. #}
{% macro case_folded(expression) -%}
    lower(trim(regexp_replace({{ expression }}, '\s+', ' ', 'g')))
{%- endmacro %}
