-- Discount groups of contacts, from the custom attribute that carries the point of
-- sale's customer groups. One row per contact_id and folded group.

with

properties as (select * from {{ ref('int_contact_custom_properties_listed') }}),

groups_split as (
    select
        contact_id,
        trim(unnest(regexp_split_to_array(property_value, '[,|;]'))) as group_text
    from properties
    where folded_name = 'discount groups'
),

groups_folded as (
    select distinct
        contact_id,
        group_text,
        {{ case_folded('group_text') }} as folded_group
    from groups_split
    where group_text <> ''
),

-- spellings that differ in case only are one option: the commonest spelling names it
spellings_ranked as (
    select
        folded_group,
        group_text,
        count(*) as contact_count
    from groups_folded
    group by folded_group, group_text
    qualify
        row_number() over (
            partition by folded_group
            order by count(*) desc, group_text asc
        ) = 1
),

assigned as (
    select distinct
        groups_folded.contact_id,
        groups_folded.folded_group,
        spellings_ranked.group_text as discount_group
    from groups_folded
    inner join spellings_ranked
        on groups_folded.folded_group = spellings_ranked.folded_group
)

select * from assigned
