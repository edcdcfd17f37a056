{#-
    The migration key in the name of a file, before its ending: dashes for colons, because
    a colon can't stand in a file's name everywhere.
-#}
{% macro key_in_file_name(column) -%}
    'aiq:file:' || nullif(
        regexp_extract(
            {{ column }},
            '\[aiq-file-([0-9a-f]{16})\](\.[0-9A-Za-z]{1,10})?$',
            1
        ),
        ''
    )
{%- endmacro %}
