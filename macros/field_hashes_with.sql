{#- Hashes of fields as they were last sent, those of a few columns replaced. -#}
{% macro field_hashes_with(sent, replaced) -%}
    to_json(
        map_from_entries(
            list_concat(
                list_filter(
                    map_entries(cast({{ sent }} as map(varchar, varchar))),
                    lambda entry: not list_contains(
                        json_keys({{ replaced }}), entry.key
                    )
                ),
                map_entries(cast({{ replaced }} as map(varchar, varchar)))
            )
        )
    )
{%- endmacro %}
