{#
    What passed leaves `builds.unfinished_nodes`; what did not stays there with dbt's word for it.
#}
{% macro nodes_ended(results) -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'test', 'seed', 'snapshot'] -%}
        {%- set table = adapter.quote(target.database) ~ '.builds.unfinished_nodes' -%}
        {%- set passed = [] -%}
        {%- for result in results -%}
            {%- if result.status in ['success', 'pass', 'warn'] -%}
                {%- do passed.append(result.node.unique_id) -%}
            {%- else -%}
            update {{ table }}
                set status = '{{ result.status }}'
                where node = '{{ result.node.unique_id }}';
            {% endif -%}
        {%- endfor -%}
        {%- if passed %}
            delete from {{ table }}
            where node in ('{{ passed | join("', '") }}');
        {% endif -%}
    {%- endif -%}
{%- endmacro %}
