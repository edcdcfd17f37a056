{#
    AIQ2PD_MEMORY_LIMIT (such as 6GB) holds DuckDB to that much memory: what does not fit goes to a
    file beside the warehouse. Without it DuckDB takes up to 80 % of the machine's.
#}
{% macro memory_limited() -%}
    {%- set limit = env_var('AIQ2PD_MEMORY_LIMIT', '') -%}
    {%- if execute and limit -%}
        {%- do run_query("set memory_limit = '" ~ limit | replace("'", "''") ~ "'") -%}
    {%- endif -%}
{%- endmacro %}
