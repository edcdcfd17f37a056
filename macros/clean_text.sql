{# Entities decoded once, unseen characters removed; plain ASCII needs no Python. #}
{% macro clean_text(expression) -%}
    case
        when regexp_matches({{ expression }}, '[^ -~]|&|<|  |^ | $')
            then plain_text({{ expression }})
        else nullif({{ expression }}, '')
    end
{%- endmacro %}
