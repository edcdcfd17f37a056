-- What the plan costs and what of the account's caps it uses. One row.

with

summary as (select * from {{ ref('plan_summary') }}),

fields as (
    select * from {{ ref('plan_fields') }}
    where field_type <> 'native'
),

limits as (
    select * from {{ ref('plan_limits') }}
    where plan_name = '{{ pipedrive_setting('plan') }}'
),

account_fields as (
    select * from {{ ref('stg_pipedrive__fields') }}
    where is_custom_field
),

deals_there as (
    select count(*) as deal_count from {{ ref('stg_pipedrive__deals') }}
    where not is_deleted and not is_archived
),

deals_in_ledger as (
    select count(*) as deal_count from {{ ref('stg_ledger__id_map') }}
    where
        entity = 'deal'
        and state = 'confirmed'
        and reason_code is distinct from 'archived'
),

deals_to_create as (
    select
        wave,
        coalesce(payload ->> 'is_archived', 'false') = 'true' as is_archived
    from {{ ref('plan_deals') }}
    where action = 'create'
),

-- what is archived at the end of its wave makes room for the next one
deals_by_wave as (
    select
        wave,
        count_if(is_archived) as archived_count,
        count_if(not is_archived) as staying_count
    from deals_to_create
    group by wave
),

deals_at_once as (
    select
        coalesce(max(archived_count), 0) + coalesce(sum(staying_count), 0)
            as deal_count
    from deals_by_wave
),

consent_rises as (
    select count(*) as rise_count from {{ ref('plan_consent_changes') }}
    where direction = 'rise' and is_sent
),

fields_of_ours as (
    select count(*) as field_count from fields
),

-- lines go with their deal; a note or a file costs twice: only the older API has it
summed as (
    select
        coalesce(sum(calls), 0) as calls,
        coalesce(sum(tokens), 0) as tokens,
        coalesce(
            sum(
                case
                    when
                        action = 'create'
                        and entity in (
                            'organization', 'person', 'product', 'deal', 'activity'
                        )
                        then rows * 3
                    when action = 'create' and entity in ('note', 'file') then rows * 6
                    when action in ('update', 'adopt') then tokens
                    else 0
                end
            ),
            0
        ) as undo_tokens
    from summary
),

fields_of_others as (
    select count(*) as field_count
    from account_fields
    left join fields
        on
            account_fields.entity = fields.entity
            and account_fields.field_name = fields.field_name
    where fields.column_name is null
),

budgeted as (
    select
        plan_name,
        deals_per_seat,
        custom_field_cap,
        {{ pipedrive_setting('seats') }} as seats,
        daily_tokens_per_seat
        * {{ pipedrive_setting('seats') }}
        * {{ pipedrive_setting('budget_share') }}
            as tokens_per_day
    from limits
),

totalled as (
    select
        budgeted.plan_name,
        cast(budgeted.seats as integer) as seats,
        cast(budgeted.tokens_per_day as bigint) as tokens_per_day,
        cast(summed.calls as bigint) as calls,
        cast(summed.tokens as bigint) as tokens,
        cast(summed.tokens / budgeted.tokens_per_day as decimal(18, 2))
            as days_at_budget,
        -- a read-back that is older than the last load would count too few
        cast(
            greatest(deals_there.deal_count, deals_in_ledger.deal_count)
            + deals_at_once.deal_count as bigint
        ) as deals_after_load,
        cast(budgeted.deals_per_seat * budgeted.seats as bigint) as deal_cap,
        cast(
            fields_of_ours.field_count + fields_of_others.field_count as bigint
        ) as custom_fields_needed,
        cast(budgeted.custom_field_cap as bigint) as custom_field_cap,
        cast(consent_rises.rise_count as bigint) as consent_raises,
        cast(summed.undo_tokens as bigint) as undo_tokens,
        cast(summed.undo_tokens / budgeted.tokens_per_day as decimal(18, 2))
            as undo_days
    from summed
    cross join fields_of_others
    cross join fields_of_ours
    cross join deals_there
    cross join deals_in_ledger
    cross join deals_at_once
    cross join consent_rises
    cross join budgeted
)

select * from totalled
