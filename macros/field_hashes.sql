{#-
    One JSON object for a row of a mart's shape: contract column -> md5 of its value as
    JSON text. A null hashes as the text `null`, so that every column has a hash.
-#}
{% macro field_hashes(mart, relation) -%}
    {%- set members = [] -%}
    {%- for column in mart_columns(mart) -%}
        {%- do members.append(
            '"%s" := coalesce(md5(cast(to_json(%s."%s") as varchar)), md5(\'null\'))'
            % (column.name, relation, column.name)
        ) -%}
    {%- endfor -%}
    to_json(struct_pack({{ members | join(', ') }}))
{%- endmacro %}
