{#- Which lane `of_lanes` takes the value of a column from. -#}
{% macro lane_of(column, than='api') -%}
    case
        when exported.{{ column }} is not null and is_newer_than_{{ than }} then 'export'
        when api.{{ column }} is not null then 'api'
        when exported.{{ column }} is not null then 'export'
    end
{%- endmacro %}
