-- Memberships that become labels and those that the limit of 100 leaves to the list.
-- One row per label_name.

with

memberships as (select * from {{ ref('stg_alpine_iq__audience_members') }}),

audiences as (select * from {{ ref('int_audiences_turned_into_labels') }}),

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

persons as (select * from {{ ref('int_person_audiences_collected') }}),

labels_assigned as (
    select
        source_key,
        unnest(label_names) as label_name
    from persons
),

assigned_counted as (
    select
        label_name,
        count(*) as labelled_count
    from labels_assigned
    group by label_name
),

coverage as (
    select
        audiences.label_name,
        count(distinct memberships.contact_id) as member_count,
        count(distinct contacts_matched.person_source_key) as person_count,
        coalesce(max(assigned_counted.labelled_count), 0) as labelled_count
    from audiences
    left join memberships
        on audiences.audience_id = memberships.audience_id
    left join contacts_matched
        on memberships.contact_id = contacts_matched.contact_id
    left join assigned_counted
        on audiences.label_name = assigned_counted.label_name
    group by audiences.label_name
)

select * from coverage
