-- Audiences under the name that labels and options will bear. Names that differ in case
-- or blanks only share one name. One row per audience_id.

with

audiences as (select * from {{ ref('stg_alpine_iq__audiences') }}),

memberships as (select * from {{ ref('stg_alpine_iq__audience_members') }}),

label_rules as (select * from {{ ref('audience_labels') }}),

rule_for_all as (
    select
        is_label,
        label_rank
    from label_rules
    where audience_name = '*'
),

members_counted as (
    select
        audience_id,
        count(distinct contact_id) as member_count
    from memberships
    group by audience_id
),

names_cleaned as (
    select
        audiences.audience_id,
        audiences.points_multiplier,
        coalesce(
            {{ clean_text('audiences.audience_name') }},
            'Audience ' || audiences.audience_id
        ) as clean_name,
        coalesce(members_counted.member_count, 0) as member_count
    from audiences
    left join members_counted
        on audiences.audience_id = members_counted.audience_id
),

-- a name over 255 characters is no option label: its audience goes by its id
names_fitted as (
    select
        audience_id,
        points_multiplier,
        member_count,
        coalesce(
            {{ within_length('clean_name') }},
            left(clean_name, 200) || ' (audience ' || audience_id || ')'
        ) as clean_name
    from names_cleaned
),

-- the spelling of the audience with the most members names all of them
names_merged as (
    select
        audience_id,
        points_multiplier,
        member_count,
        clean_name,
        {{ case_folded('clean_name') }} as folded_name,
        first_value(clean_name) over (
            partition by {{ case_folded('clean_name') }}
            order by member_count desc, audience_id asc
            rows between unbounded preceding and unbounded following
        ) as label_name,
        sum(member_count) over (
            partition by {{ case_folded('clean_name') }}
        ) as label_member_count
    from names_fitted
),

labelled as (
    select
        names_merged.audience_id,
        names_merged.clean_name as audience_name,
        names_merged.label_name,
        names_merged.folded_name,
        names_merged.points_multiplier,
        names_merged.member_count,
        coalesce(label_rules.is_label, rule_for_all.is_label, false) as is_label,
        dense_rank() over (
            order by
                coalesce(label_rules.label_rank, rule_for_all.label_rank, 1000) asc,
                names_merged.label_member_count desc,
                names_merged.folded_name asc
        ) as label_rank
    from names_merged
    left join label_rules
        on names_merged.folded_name = {{ case_folded('label_rules.audience_name') }}
    left join rule_for_all
        on true
)

select * from labelled
