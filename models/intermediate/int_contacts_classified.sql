-- Every contact id that anything in the source names. One row per contact_id.

with

contacts as (select * from {{ ref('stg_alpine_iq__contacts') }}),

hidden_contacts as (select * from {{ ref('stg_alpine_iq__hidden_contacts') }}),

known_contacts as (
    select
        coalesce(contacts.contact_id, hidden_contacts.contact_id) as contact_id,
        case
            -- a contact that came back to the list since is visible again
            when contacts.contact_id is not null then 'listed'
            when hidden_contacts.found = 'merged' then 'merged'
            when
                hidden_contacts.answered_contact_id <> hidden_contacts.contact_id
                then 'merged'
            when hidden_contacts.found in ('visible', 'redacted') then 'hidden'
            when hidden_contacts.found = 'gone' then 'gone'
            else 'unknown'
        end as visibility,
        hidden_contacts.answered_contact_id,
        coalesce(hidden_contacts.traces, []) as traces
    from contacts
    full outer join hidden_contacts
        on contacts.contact_id = hidden_contacts.contact_id
),

classified as (
    select
        known_contacts.contact_id,
        known_contacts.visibility,
        case
            when known_contacts.visibility = 'merged'
                then known_contacts.answered_contact_id
        end as merged_into_contact_id,
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
