{# What seeds/decisions/policies.csv says about one policy. #}
{% macro policy(name) -%}
(select max(policy_value) from {{ ref('policies') }} where policy_name = '{{ name }}')
{%- endmacro %}
