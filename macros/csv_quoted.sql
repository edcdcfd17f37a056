{# A value of a CSV line, quoted where it must be. #}
{% macro csv_quoted(expression) -%}
    case
        when regexp_matches({{ expression }}, '[",\n]')
            then '"' || replace({{ expression }}, '"', '""') || '"'
        else {{ expression }}
    end
{%- endmacro %}
