{# The labels of a list that are there, in the order given; null where none is. #}
{% macro options_present(labels) -%}
    nullif(list_filter([{{ labels | join(', ') }}], lambda label: label is not null), [])
{%- endmacro %}
