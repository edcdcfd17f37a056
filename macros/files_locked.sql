{#
    From here on no statement of this run can read or write a file but the warehouse and the seeds,
    attach a database or load an extension, whatever a value or a seed holds. DuckDB can't be
    unlocked again while it runs. Targets that share the warehouse need files of their own. The second
    folder is there in a customer's repository alone: the core's seeds, as a package.
#}
{% macro files_locked() -%}
    {%- if execute and target.name == 'duckdb' -%}
        {%- set core = 'dbt_packages/alpineiq_to_pipedrive/seeds' -%}
        {%- do run_query("set allowed_directories = ['seeds', '" ~ core ~ "']") -%}
        {%- do run_query('set enable_external_access = false') -%}
    {%- endif -%}
{%- endmacro %}
