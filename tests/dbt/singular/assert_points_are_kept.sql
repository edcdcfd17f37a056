-- If this fails, loyalty points were lost or made: the balances of all contacts that
-- load are the balances of all persons.

with

contacts as (select * from {{ ref('int_contacts_united') }}),

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

persons as (select * from {{ ref('mart_persons') }}),

points as (
    select
        (
            select coalesce(sum(contacts.points_balance), 0)
            from contacts
            inner join contacts_matched
                on contacts.contact_id = contacts_matched.contact_id
        ) as points_of_contacts,
        (
            select coalesce(sum(persons.loyalty_points__c), 0)
            from persons
        ) as points_of_persons,
        (select count(*) from persons) as person_count
)

select
    points_of_contacts,
    points_of_persons
from points
-- balances have more decimals than Pipedrive shows: half a cent a person may round
where abs(points_of_contacts - points_of_persons) > 0.005 * person_count
