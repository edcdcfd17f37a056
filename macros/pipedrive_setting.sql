{#-
    What the API can't tell about the account (plan, seats, share of the daily budget):
    a dbt variable, else the environment, else the default.
-#}
{% macro pipedrive_setting(name) -%}
    {%- set defaults = {'plan': 'growth', 'seats': '5', 'budget_share': '0.8'} -%}
    {%- if execute -%}
        {{ var(
            'pipedrive_' ~ name,
            env_var('PIPEDRIVE_' ~ name | upper, defaults[name])
        ) }}
    {%- else -%}
        {{ defaults[name] }}
    {%- endif -%}
{%- endmacro %}
