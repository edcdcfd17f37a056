-- Contacts that do not load as persons, with the rule and what to do.
-- One row per source_key.

with

dispositions as (select * from {{ ref('int_contacts_dispositioned') }}),

actions as (
    select * from {{ ref('quarantine_rules') }}
    where entity = 'person'
),

quarantined as (
    select
        dispositions.contact_source_key as source_key,
        dispositions.disposition,
        dispositions.reason as rule,
        actions.what_to_do
    from dispositions
    left join actions
        on dispositions.reason = actions.rule
    where dispositions.disposition not in ('person', 'merged')
)

select * from quarantined
