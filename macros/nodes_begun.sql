{#
    Keeps `builds.unfinished_nodes` with `nodes_ended`: what a run was to build or test and did not,
    be it that it failed, was skipped, or that the run died. `aiq2pd plan` freezes nothing while a
    node is there that is not of reconciliation, so no load starts from half a build. Unit tests
    judge the SQL and not the data, and stay out.
#}
{% macro nodes_begun() -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'test', 'seed', 'snapshot'] -%}
        {%- set table = adapter.quote(target.database) ~ '.builds.unfinished_nodes' -%}
        {%- set begun = [] -%}
        {%- for node in graph.nodes.values() -%}
            {%- set is_kept = node.config.materialized != 'ephemeral' -%}
            {%- if is_kept and node.unique_id in selected_resources -%}
                {%- set paths = [node.original_file_path] -%}
                {%- for parent in node.depends_on.nodes if parent in graph.nodes -%}
                    {%- do paths.append(graph.nodes[parent].original_file_path) -%}
                {%- endfor -%}
                {%- set gates = 'models/reconciliation/' in paths | join(' ') -%}
                {%- do begun.append(
                    "('" ~ node.unique_id ~ "', '" ~ node.name ~ "', "
                    ~ gates ~ ", 'not finished', '" ~ invocation_id ~ "')"
                ) -%}
            {%- endif -%}
        {%- endfor -%}
        begin transaction;
        create schema if not exists {{ adapter.quote(target.database) }}.builds;
        create table if not exists {{ table }} (
            node varchar,
            name varchar,
            is_of_reconciliation boolean,
            status varchar,
            invocation_id varchar
        );
        delete from {{ table }}
        where
            node in ('{{ selected_resources | join("', '") }}')
            or node not in ('{{ graph.nodes | join("', '") }}');
        {% if begun %}
            insert into {{ table }} values
            {{ begun | join(', ') }};
        {% endif %}
        commit;
    {%- endif -%}
{%- endmacro %}
