-- Audiences of each person: the list, the labels (100 at most) and the multipliers.
-- One row per source_key that is in any audience.

with

memberships as (select * from {{ ref('stg_alpine_iq__audience_members') }}),

audiences as (select * from {{ ref('int_audiences_turned_into_labels') }}),

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

memberships_named as (
    select
        contacts_matched.person_source_key as source_key,
        audiences.label_name,
        max(audiences.points_multiplier) as points_multiplier,
        bool_or(audiences.is_label) as is_label,
        min(audiences.label_rank) as label_rank
    from memberships
    inner join audiences
        on memberships.audience_id = audiences.audience_id
    inner join contacts_matched
        on memberships.contact_id = contacts_matched.contact_id
    group by source_key, audiences.label_name
),

memberships_ranked as (
    select
        source_key,
        label_name,
        points_multiplier,
        label_rank,
        is_label
        and row_number() over (
            partition by source_key, is_label
            order by label_rank asc, label_name asc
        ) <= 100 as is_assigned_label,
        is_label
    from memberships_named
),

collected as (
    select
        source_key,
        list(label_name order by label_rank, label_name) as audience_names,
        coalesce(
            list(label_name order by label_rank, label_name)
            filter (where is_assigned_label),
            []
        ) as label_names,
        count(*) filter (where is_label and not is_assigned_label)
            as labels_left_out_count,
        -- a multiplier of 1 multiplies nothing
        max(points_multiplier) filter (where points_multiplier <> 1)
            as highest_multiplier,
        string_agg(
            label_name || ' = ' || cast(cast(points_multiplier as double) as varchar),
            '; '
            order by label_rank, label_name
        ) filter (where points_multiplier <> 1) as all_multipliers
    from memberships_ranked
    group by source_key
)

select * from collected
