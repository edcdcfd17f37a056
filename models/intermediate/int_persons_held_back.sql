-- Persons of whom something is still to be asked for: created now, they would have to
-- be written a second time. One row per source_key. None where policies.csv waives it.

with

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

detail_states as (select * from {{ ref('int_contact_detail_states_derived') }}),

held_back as (
    select
        contacts_matched.person_source_key as source_key,
        'waiting for detail' as reason,
        count_if(detail_states.detail_state = 'waiting') as details_waiting,
        count_if(detail_states.orders_state = 'waiting') as orders_waiting
    from contacts_matched
    inner join detail_states
        on contacts_matched.contact_id = detail_states.contact_id
    where
        detail_states.is_waiting
        and contacts_matched.person_source_key is not null
        and {{ policy('incomplete_contacts') }} is distinct from 'load'
    group by contacts_matched.person_source_key
)

select * from held_back
