{#-
    The migration key that closes the text of a line (`[key]`) or of a note
    (`<p>[key]</p>`, escaped as HTML is).
-#}
{% macro key_at_the_end(column) -%}
    {%- set key = "regexp_extract(" ~ column
        ~ ", '\[(aiq:[^\[\]]+)\]\s*(</p>)?\s*$', 1)" -%}
    {%- for escaped, plain in [('&lt;', '<'), ('&gt;', '>'), ('&quot;', '"'),
                               ('&#39;', "''"), ('&amp;', '&')] -%}
        {%- set key = "replace(" ~ key ~ ", '" ~ escaped ~ "', '" ~ plain ~ "')" -%}
    {%- endfor -%}
    nullif({{ key }}, '')
{%- endmacro %}
