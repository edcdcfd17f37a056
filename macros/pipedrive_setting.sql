{#-
    What the API can't tell about the account (plan, seats, share of the daily budget, the
    largest file that it takes): a dbt variable, else the environment, else the default.
-#}
{% macro pipedrive_setting(name) -%}
    {%- set defaults = {
        'plan': 'growth', 'seats': '5', 'budget_share': '0.8', 'largest_file_mb': '50'
    } -%}
    {%- if execute -%}
        {{ var(
            'pipedrive_' ~ name,
            env_var('PIPEDRIVE_' ~ name | upper, defaults[name])
        ) }}
    {%- else -%}
        {{ defaults[name] }}
    {%- endif -%}
{%- endmacro %}
