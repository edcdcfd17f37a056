-- Where API and exports say different things about the same record, or only one lane
-- has an order that both should have. Only what is not personal is shown as a value.
-- One row per entity, key and what.

with

contacts as (select * from {{ ref('stg_alpine_iq__contacts') }}),

personas_exported as (select * from {{ ref('stg_alpine_iq__export_personas') }}),

lines_read as (select * from {{ ref('int_order_lines_read') }}),

contacts_compared as (
    select
        contacts.contact_id,
        unnest([
            struct_pack(
                what := 'first_name',
                is_shown := false,
                api_value := contacts.first_name,
                export_value := personas_exported.first_name
            ),
            struct_pack(
                what := 'last_name',
                is_shown := false,
                api_value := contacts.last_name,
                export_value := personas_exported.last_name
            ),
            struct_pack(
                what := 'email',
                is_shown := false,
                api_value := contacts.email,
                export_value := personas_exported.email
            ),
            struct_pack(
                what := 'mobile_phone',
                is_shown := false,
                api_value := contacts.mobile_phone,
                export_value := personas_exported.mobile_phone
            ),
            struct_pack(
                what := 'home_phone',
                is_shown := false,
                api_value := contacts.home_phone,
                export_value := personas_exported.home_phone
            ),
            struct_pack(
                what := 'platform',
                is_shown := false,
                api_value := contacts.platform,
                export_value := personas_exported.platform
            ),
            struct_pack(
                what := 'points_balance',
                is_shown := true,
                api_value := cast(contacts.points_balance as varchar),
                export_value := cast(personas_exported.points_balance as varchar)
            ),
            struct_pack(
                what := 'is_loyalty_member',
                is_shown := true,
                api_value := cast(contacts.is_loyalty_member as varchar),
                export_value := cast(personas_exported.is_loyalty_member as varchar)
            )
        ]) as compared
    from contacts
    inner join personas_exported
        on contacts.contact_id = personas_exported.contact_id
),

lines_priced as (
    select
        contact_id,
        visit_key,
        lane,
        line_at,
        why_left_out,
        coalesce(
            total_price,
            price * quantity - sign(quantity) * abs(coalesce(discount, 0))
        ) as amount
    from lines_read
),

exported_until as (
    select
        min(line_at) filter (where lane = 'export') as first_at,
        max(line_at) filter (where lane = 'export') as last_at
    from lines_read
),

-- a contact whose orders only one lane was asked for has no difference
contacts_of_both_lanes as (
    select contact_id
    from lines_read
    group by contact_id
    having count(distinct lane) = 2
),

orders_compared as (
    select
        lines_priced.contact_id,
        lines_priced.visit_key,
        count(*) filter (where lines_priced.lane = 'api') as api_lines,
        count(*) filter (where lines_priced.lane = 'export') as export_lines,
        sum(lines_priced.amount) filter (where lines_priced.lane = 'api') as api_amount,
        sum(lines_priced.amount) filter (where lines_priced.lane = 'export')
            as export_amount
    from lines_priced
    inner join contacts_of_both_lanes
        on lines_priced.contact_id = contacts_of_both_lanes.contact_id
    cross join exported_until
    where
        lines_priced.line_at between exported_until.first_at and exported_until.last_at
        and (
            lines_priced.why_left_out is null
            or lines_priced.why_left_out = 'other_lane_is_newer'
        )
    group by lines_priced.contact_id, lines_priced.visit_key
),

differences as (
    select
        'contact' as entity,
        contact_id as record_key,
        compared.what,
        if(compared.is_shown, compared.api_value, null) as api_says,
        if(compared.is_shown, compared.export_value, null) as export_says
    from contacts_compared
    -- a value that only one lane has fills a gap: no difference
    where compared.api_value <> compared.export_value
    union all
    select
        'order' as entity,
        contact_id || ' ' || visit_key as record_key,
        case
            when api_lines = 0 then 'only_in_export'
            when export_lines = 0 then 'only_in_api'
            when api_lines <> export_lines then 'line_count'
            else 'amount'
        end as what,
        api_lines || ' lines, ' || coalesce(api_amount, 0) as api_says,
        export_lines || ' lines, ' || coalesce(export_amount, 0) as export_says
    from orders_compared
    where
        api_lines <> export_lines
        or abs(coalesce(api_amount, 0) - coalesce(export_amount, 0)) >= 0.01
)

select * from differences
