{#- The name of a column that a line lacks and `relation`, of the other lane, has. -#}
{% macro filled_by(relation, column) -%}
    case
        when
            lines_taken.{{ column }} is null and {{ relation }}.{{ column }} is not null
            then '{{ column }}'
    end
{%- endmacro %}
