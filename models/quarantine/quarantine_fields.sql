-- Values left out of records that do load, with the rule and what to do.
-- One row per source_key, field and rule.

with

fields_held_back as (select * from {{ ref('int_fields_quarantined') }}),

actions as (select * from {{ ref('quarantine_rules') }}),

quarantined as (
    select
        fields_held_back.entity,
        fields_held_back.source_key,
        fields_held_back.rule,
        fields_held_back.field,
        actions.what_to_do
    from fields_held_back
    left join actions
        on
            fields_held_back.entity = actions.entity
            and fields_held_back.rule = actions.rule
)

select * from quarantined
