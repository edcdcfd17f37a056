{#- A personal value shows that it is there and how long it is, and nothing else. -#}
{% macro masked_if(is_personal, text) -%}
    case
        when coalesce({{ is_personal }}, true) and {{ text }} is not null
            then 'masked, ' || length({{ text }}) || ' characters'
        else {{ text }}
    end
{%- endmacro %}
