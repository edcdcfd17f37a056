{# What seeds/decisions/policies.csv says about one policy. #}
{% macro policy(name) -%}
    (
        select max(policies.policy_value) from {{ ref('policies') }} as policies
        where policies.policy_name = '{{ name }}'
    )
{%- endmacro %}
