-- Ways in which orders could cross, with what each would cost. One row per strategy.
--
-- Only account.toml chooses one. Costs are of what this plan still has to create: 5
-- tokens write one record, so archiving a closed deal costs as much again.

with

planned as (
    select
        entity,
        source_key,
        wave,
        action,
        payload,
        token_cost
    from {{ ref('plan_records') }}
),

totals as (select * from {{ ref('plan_totals') }}),

chosen as (
    select '{{ decided_setting('order_strategy') }}' as strategy
),

deals as (
    select
        source_key,
        token_cost,
        wave,
        action = 'create' as is_new,
        coalesce(payload ->> 'is_archived', 'false') = 'true' as is_archived,
        coalesce(payload ->> 'status', 'open') in ('won', 'lost') as is_closed,
        try_cast(payload ->> 'order_date__c' as date) as order_date
    from planned
    where entity = 'deal' and action in ('create', 'update', 'adopt')
),

last_day as (select max(order_date) as last_order_date from deals),

recent_deals as (
    select
        deals.source_key,
        deals.token_cost,
        deals.is_new
    from deals
    cross join last_day
    where
        deals.order_date is null
        or deals.order_date > last_day.last_order_date - to_days(
            coalesce(try_cast({{ policy('recent_order_days') }} as integer), 365)
        )
),

-- lines, notes and files of a deal
on_deals as (
    select
        planned.entity,
        planned.token_cost,
        recent_deals.source_key is not null as is_on_recent_deal
    from planned
    left join recent_deals
        on (planned.payload ->> 'deal__source_key') = recent_deals.source_key
    where
        planned.entity in ('deal_product', 'note', 'file')
        and (planned.payload ->> 'deal__source_key') is not null
),

deals_counted as (
    select
        count(*) filter (where is_new) as new_deals,
        count(*) filter (where is_new and is_closed) as new_closed_deals,
        coalesce(sum(token_cost), 0) as deal_tokens
    from deals
),

recent_deals_counted as (
    select
        count(*) filter (where is_new) as new_recent_deals,
        coalesce(sum(token_cost), 0) as recent_deal_tokens
    from recent_deals
),

on_deals_counted as (
    select
        coalesce(sum(token_cost) filter (where not is_on_recent_deal), 0)
            as older_tokens,
        coalesce(sum(token_cost) filter (where entity = 'deal_product'), 0)
            as line_tokens
    from on_deals
),

-- a plan that archives has these tokens already, and its waves keep under the cap
archived_by_wave as (
    select
        wave,
        count(*) as deal_count
    from deals
    where is_new and is_archived
    group by wave
),

archived_counted as (
    select
        coalesce(sum(deal_count), 0) as archived_deals,
        coalesce(max(deal_count), 0) as most_at_once
    from archived_by_wave
),

products_counted as (
    select coalesce(sum(token_cost), 0) as product_tokens from planned
    where entity = 'product'
),

summed as (
    select
        totals.tokens - 5 * archived_counted.archived_deals as tokens,
        totals.tokens_per_day,
        totals.deal_cap,
        totals.deals_after_load
        + archived_counted.archived_deals
        - archived_counted.most_at_once as deals_after_load,
        deals_counted.new_deals,
        deals_counted.new_closed_deals,
        recent_deals_counted.new_recent_deals,
        deals_counted.deal_tokens
        - recent_deals_counted.recent_deal_tokens
        + on_deals_counted.older_tokens as tokens_of_older,
        on_deals_counted.line_tokens
        + products_counted.product_tokens as tokens_of_lines
    from totals
    cross join deals_counted
    cross join recent_deals_counted
    cross join on_deals_counted
    cross join products_counted
    cross join archived_counted
),

listed as (
    select
        'all_deals' as strategy,
        1 as preference,
        tokens,
        deals_after_load as deals_at_most,
        'nothing' as reporting_lost,
        tokens_per_day,
        deal_cap
    from summed
    union all
    select
        'archived_waves' as strategy,
        2 as preference,
        tokens + 5 * new_closed_deals as tokens,
        -- what stays open keeps its place, and a wave needs one
        least(
            deals_after_load,
            greatest(deal_cap, deals_after_load - new_closed_deals + 1)
        ) as deals_at_most,
        'archived deals leave lists, reports and edits' as reporting_lost,
        tokens_per_day,
        deal_cap
    from summed
    union all
    select
        'lines_as_text' as strategy,
        3 as preference,
        tokens - tokens_of_lines as tokens,
        deals_after_load as deals_at_most,
        'no report by product' as reporting_lost,
        tokens_per_day,
        deal_cap
    from summed
    union all
    select
        'recent_deals' as strategy,
        4 as preference,
        tokens - tokens_of_older as tokens,
        deals_after_load - (new_deals - new_recent_deals) as deals_at_most,
        'older orders are totals on their person' as reporting_lost,
        tokens_per_day,
        deal_cap
    from summed
),

judged as (
    select
        listed.strategy,
        listed.preference,
        cast(listed.tokens as bigint) as tokens,
        cast(listed.tokens / listed.tokens_per_day as decimal(18, 2)) as days,
        cast(listed.deals_at_most as bigint) as deals_at_most,
        cast(listed.deal_cap as bigint) as deal_cap,
        listed.deals_at_most <= listed.deal_cap as fits_cap,
        listed.tokens / listed.tokens_per_day <= {{ decided_setting('calendar_days') }}
            as fits_calendar,
        listed.strategy = chosen.strategy as is_chosen,
        listed.reporting_lost
    from listed
    cross join chosen
    -- what is no deal or no line in the plan has no price there: where such a way is
    -- chosen, the others are not compared (aiq2pd estimate does)
    where
        chosen.strategy not in ('recent_deals', 'lines_as_text')
        or listed.strategy = chosen.strategy
),

recommended as (
    select
        strategy,
        tokens,
        days,
        deals_at_most,
        deal_cap,
        fits_cap,
        fits_calendar,
        is_chosen,
        coalesce(
            row_number() over (
                partition by fits_cap and fits_calendar order by preference
            ) = 1
            and fits_cap and fits_calendar,
            false
        ) as is_recommended,
        reporting_lost
    from judged
)

select * from recommended
