-- If this fails, policies.csv lacks a policy or names a value that means nothing; the
-- allowed ones are in the last column.

with

policies as (select * from {{ ref('policies') }}),

values_allowed as (
    select
        unnest(
            [
                'attribution_notes',
                'default_currency',
                'default_phone_region',
                'default_time_zone',
                'deleted_at_source',
                'hidden_contacts',
                'orders_without_person'
            ]
        ) as policy_name,
        unnest(
            [
                'yes|no',
                '[A-Z]{3}',
                '[A-Z]{2}',
                '[A-Za-z_]+(/[A-Za-z_+-]+)*',
                'flag|keep',
                'report|stub|full',
                'quarantine|load'
            ]
        ) as pattern
)

select
    'seeds/decisions/policies.csv' as seed_file,
    values_allowed.policy_name,
    policies.policy_value,
    values_allowed.pattern as allowed
from values_allowed
left join policies
    on values_allowed.policy_name = policies.policy_name
where
    policies.policy_value is null
    or not regexp_full_match(policies.policy_value, values_allowed.pattern)
