{#-
    The contract columns of a mart, in contract order, without `source_key`: the one
    list from which payloads and hashes are made. Contracts live in the graph, which is
    only complete when SQL is rendered for execution, and empty in unit tests: there the
    mart as it was built, which has its contract's columns, stands in.
-#}
{% macro mart_columns(mart) -%}
    {%- if not execute -%}
        {{ return([{'name': 'name', 'data_type': 'varchar'}]) }}
    {%- endif -%}
    {%- set found = [] -%}
    {%- for node in graph.get('nodes', {}).values() -%}
        {%- if node.resource_type == 'model' and node.name == mart -%}
            {%- for column in node.columns.values() if column.name != 'source_key' -%}
                {%- do found.append(
                    {'name': column.name, 'data_type': column.data_type}
                ) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not graph.get('nodes') -%}
        {%- set built = adapter.get_relation(target.database, 'marts', mart) -%}
        {%- for column in adapter.get_columns_in_relation(built)
            if column.name != 'source_key' -%}
            {%- do found.append(
                {'name': column.name, 'data_type': column.data_type}
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if not found -%}
        {{ exceptions.raise_compiler_error(mart ~ ' has no contract columns') }}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}
