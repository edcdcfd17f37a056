{#-
    What account.toml decides (how orders cross, how long a load may take): a dbt variable,
    else the environment, else the default.
-#}
{% macro decided_setting(name) -%}
    {%- set defaults = {'order_strategy': 'all_deals', 'calendar_days': '30'} -%}
    {%- if execute -%}
        {{ var(name, env_var('AIQ2PD_' ~ name | upper, defaults[name])) }}
    {%- else -%}
        {{ defaults[name] }}
    {%- endif -%}
{%- endmacro %}
