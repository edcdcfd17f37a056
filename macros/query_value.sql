{# The first value of a key in a query string, with or without utm_, decoded. #}
{% macro query_value(expression, key) -%}
    percent_decoded(
        nullif(
            regexp_extract(
                {{ expression }}, '(?:^|[?&;])(?:utm_)?{{ key }}=([^&;#]*)', 1
            ),
            ''
        )
    )
{%- endmacro %}
