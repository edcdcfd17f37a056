-- Audiences as labels and as options of the audience field: who has them on each side.
-- One row per column and label.

with

compared as (select * from {{ ref('rec_tags_compared') }}),

counted as (
    select
        column_name,
        label,
        count(*) filter (where is_in_source) as source_members,
        count(*) filter (where is_in_destination) as destination_members,
        count(*) filter (
            where is_in_source and is_in_destination
        ) as members_on_both
    from compared
    group by column_name, label
),

rated as (
    select
        column_name,
        label,
        source_members,
        destination_members,
        members_on_both,
        source_members - members_on_both as members_without_it,
        round(members_on_both / nullif(source_members, 0), 4) as coverage
    from counted
)

select * from rated
