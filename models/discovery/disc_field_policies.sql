-- How the policies for sensitive fields fall out: persons with a value, by state and
-- decision, and how many of them cross. One row per column_name, state and decision.

with

persons as (select * from {{ ref('int_contacts_merged_to_persons') }}),

policies as (select * from {{ ref('int_person_field_policies_applied') }}),

values_there as (
    select
        source_key,
        'med_id__c' as column_name
    from persons
    where medical_id is not null
    union all
    select
        source_key,
        'birth_date__c' as column_name
    from persons
    where birth_date is not null
),

counted as (
    select
        policies.column_name,
        coalesce(policies.state, 'not known') as state,
        policies.decision,
        count(values_there.source_key) as value_count,
        count(values_there.source_key) filter (where policies.is_allowed)
            as crossing_count
    from policies
    left join values_there
        on
            policies.source_key = values_there.source_key
            and policies.column_name = values_there.column_name
    group by
        policies.column_name,
        coalesce(policies.state, 'not known'),
        policies.decision
)

select * from counted
