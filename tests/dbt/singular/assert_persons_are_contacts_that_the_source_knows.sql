-- If this fails, a person was invented: each is exactly one contact's own disposition.

with

dispositions as (select * from {{ ref('int_contacts_dispositioned') }}),

persons as (select * from {{ ref('mart_persons') }})

select
    persons.source_key,
    count(dispositions.contact_id) as contact_count
from persons
left join dispositions
    on
        persons.source_key = dispositions.person_source_key
        and dispositions.disposition = 'person'
group by persons.source_key
having count(dispositions.contact_id) <> 1
