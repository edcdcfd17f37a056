{#-
    A value that the API lane (`api`) and the exports (`exported`) both may have: the
    newer reading counts first, the other fills what it lacks.
-#}
{% macro of_lanes(column, than='api') -%}
    case
        when is_newer_than_{{ than }}
            then coalesce(exported.{{ column }}, api.{{ column }})
        else coalesce(api.{{ column }}, exported.{{ column }})
    end
{%- endmacro %}
