{#-
    The whole logical record of a mart row as one JSON object: keys are the contract
    columns in contract order, nulls included, `source_key` left out.
-#}
{% macro payload(mart, relation) -%}
    {%- set members = [] -%}
    {%- for column in mart_columns(mart) -%}
        {%- do members.append(
            '"%s" := %s."%s"' % (column.name, relation, column.name)
        ) -%}
    {%- endfor -%}
    to_json(struct_pack({{ members | join(', ') }}))
{%- endmacro %}
