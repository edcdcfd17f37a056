-- If this fails, a contact was lost or counted twice between the source and the marts:
-- contacts = persons + merged + hidden + gone + unknown + quarantined.

with

contacts as (select * from {{ ref('stg_alpine_iq__contacts') }}),

hidden_contacts as (select * from {{ ref('stg_alpine_iq__hidden_contacts') }}),

dispositions as (select * from {{ ref('int_contacts_dispositioned') }}),

persons as (select * from {{ ref('mart_persons') }}),

quarantined as (select * from {{ ref('quarantine_persons') }}),

contacts_known as (
    select contact_id from contacts
    union
    select contact_id from hidden_contacts
    union
    select contact_id from {{ ref('stg_alpine_iq__export_personas') }}
    union
    select contact_id from {{ ref('stg_alpine_iq__export_hidden_contacts') }}
)

select
    contacts_known.contact_id,
    dispositions.disposition
from contacts_known
left join dispositions
    on contacts_known.contact_id = dispositions.contact_id
left join persons
    on dispositions.person_source_key = persons.source_key
left join quarantined
    on dispositions.contact_source_key = quarantined.source_key
where
    dispositions.disposition is null
    or (
        dispositions.disposition in ('person', 'merged')
        and (persons.source_key is null or quarantined.source_key is not null)
    )
    or (
        dispositions.disposition not in ('person', 'merged')
        and (persons.source_key is not null or quarantined.source_key is null)
    )
