{# Text inside a note, which Pipedrive reads as HTML. #}
{% macro html_escaped(expression) -%}
    replace(
        replace(replace({{ expression }}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'
    )
{%- endmacro %}
