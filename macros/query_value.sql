{# The first value of a key in a query string, with or without utm_, decoded. #}
{% macro query_value(expression, key) -%}
    {%- set value -%}
        regexp_extract({{ expression }}, '(?:^|[?&;])(?:utm_)?{{ key }}=([^&;#]*)', 1)
    {%- endset -%}
    case
        when contains({{ value }}, '%') or contains({{ value }}, '+')
            then percent_decoded({{ value }})
        else nullif({{ value }}, '')
    end
{%- endmacro %}
