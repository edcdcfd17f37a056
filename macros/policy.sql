{#-
    What seeds/decisions/policies.csv says about one policy. A value that needs an
    approval counts only with a name and a date beside it; else the careful value does.
-#}
{% macro policy(name) -%}
    {%- set needs_approval = {
        'hidden_contacts': ('full', 'report'),
        'incomplete_contacts': ('load', 'hold'),
    } -%}
    (
        select
        {% if name in needs_approval -%}
            max(
                case
                    when
                        policies.policy_value = '{{ needs_approval[name][0] }}'
                        and (
                            policies.decided_by is null
                            or try_cast(policies.decided_on as date) is null
                        )
                        then '{{ needs_approval[name][1] }}'
                    else policies.policy_value
                end
            )
        {%- else -%}
        max(policies.policy_value)
    {%- endif %}
        from {{ ref('policies') }} as policies
        where policies.policy_name = '{{ name }}'
    )
{%- endmacro %}
