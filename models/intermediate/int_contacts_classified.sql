-- Every contact id that anything in the source names. One row per contact_id.

with

contacts as (select * from {{ ref('stg_alpine_iq__contacts') }}),

hidden_contacts as (select * from {{ ref('stg_alpine_iq__hidden_contacts') }}),

personas_exported as (select * from {{ ref('stg_alpine_iq__export_personas') }}),

hidden_exported as (select * from {{ ref('stg_alpine_iq__export_hidden_contacts') }}),

contact_ids as (
    select contact_id from contacts
    union
    select contact_id from hidden_contacts
    union
    select contact_id from personas_exported
    union
    select contact_id from hidden_exported
),

api_lane as (select count(*) > 0 as has_list from contacts),

known_contacts as (
    select
        contact_ids.contact_id,
        case
            -- support says it after the list was read: then the list is out of date
            when
                hidden_exported.fetched_at > contacts.fetched_at
                and hidden_exported.hidden_reason = 'merged'
                then 'merged'
            when hidden_exported.fetched_at > contacts.fetched_at then 'hidden'
            -- a contact that came back to the list since is visible again
            when contacts.contact_id is not null then 'listed'
            when hidden_contacts.found = 'merged' then 'merged'
            when
                hidden_contacts.answered_contact_id <> hidden_contacts.contact_id
                then 'merged'
            when hidden_exported.hidden_reason = 'merged' then 'merged'
            when hidden_contacts.found in ('visible', 'redacted') then 'hidden'
            when hidden_exported.contact_id is not null then 'hidden'
            when hidden_contacts.found = 'gone' then 'gone'
            -- without a list of the API the export of all personas is the list
            when
                personas_exported.contact_id is not null and not api_lane.has_list
                then 'listed'
            else 'unknown'
        end as visibility,
        case
            when contacts.contact_id is not null then 'api_list'
            when hidden_contacts.contact_id is not null then 'api_look_up'
            when hidden_exported.contact_id is not null then 'export_hidden_contacts'
            else 'export_personas'
        end as lane,
        coalesce(
            hidden_contacts.answered_contact_id, hidden_exported.merged_into_contact_id
        ) as survivor_contact_id,
        hidden_exported.hidden_reason,
        coalesce(hidden_contacts.traces, []) as traces
    from contact_ids
    cross join api_lane
    left join contacts
        on contact_ids.contact_id = contacts.contact_id
    left join hidden_contacts
        on contact_ids.contact_id = hidden_contacts.contact_id
    left join personas_exported
        on contact_ids.contact_id = personas_exported.contact_id
    left join hidden_exported
        on contact_ids.contact_id = hidden_exported.contact_id
),

classified as (
    select
        known_contacts.contact_id,
        known_contacts.visibility,
        known_contacts.lane,
        case
            when known_contacts.visibility = 'merged'
                then known_contacts.survivor_contact_id
        end as merged_into_contact_id,
        known_contacts.hidden_reason,
        known_contacts.traces,
        known_contacts.visibility = 'hidden' as is_suppressed,
        case
            when known_contacts.visibility = 'listed' then 'full'
            when
                known_contacts.visibility = 'hidden'
                and {{ policy('hidden_contacts') }} in ('stub', 'full')
                then {{ policy('hidden_contacts') }}
            else 'none'
        end as load_as
    from known_contacts
)

select * from classified
