{#-
    The type of a mart row as a DuckDB struct: a destination record is cast to it before
    its hashes are compared with those of a mart row.
-#}
{% macro mart_struct_type(mart) -%}
    {%- set members = [] -%}
    {%- for column in mart_columns(mart) -%}
        {%- do members.append('"%s" %s' % (column.name, column.data_type)) -%}
    {%- endfor -%}
    struct({{ members | join(', ') }})
{%- endmacro %}
