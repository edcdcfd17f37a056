{#
    From here on no statement of this run can read or write a file but the warehouse and the seeds,
    attach a database or load an extension, whatever a value or a seed holds. DuckDB can't be
    unlocked again while it runs. Targets that share the warehouse need files of their own. In a
    customer's repository the core is a package, with seeds of its own.
#}
{% macro files_locked() -%}
    {%- if execute and target.name == 'duckdb' -%}
        {%- set folders = ["'seeds'"] -%}
        {%- if project_name != 'alpineiq_to_pipedrive' -%}
            {%- do folders.append("'dbt_packages/alpineiq_to_pipedrive/seeds'") -%}
        {%- endif -%}
        {%- do run_query('set allowed_directories = [' ~ folders | join(', ') ~ ']') -%}
        {%- do run_query('set enable_external_access = false') -%}
    {%- endif -%}
{%- endmacro %}
