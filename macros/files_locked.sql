{#
    From here on no statement of this run can read or write a file but the warehouse and the seeds,
    attach a database or load an extension, whatever a value or a seed holds. DuckDB can't be
    unlocked again while it runs. Targets that share the warehouse need files of their own.
#}
{% macro files_locked() -%}
    {%- if execute and target.name == 'duckdb' -%}
        {%- do run_query("set allowed_directories = ['seeds']") -%}
        {%- do run_query('set enable_external_access = false') -%}
    {%- endif -%}
{%- endmacro %}
