-- When each store sells, by its own clock, against the clocks of the others: a wrong
-- time zone shows as a shifted curve. One row per store_id with 50 orders or more.

with

orders as (
    select * from {{ ref('int_orders_localised') }}
    where store_id is not null and ordered_at is not null
),

hours as (
    select
        store_id,
        time_zone,
        extract(
            hour from timezone(time_zone, timezone('UTC', ordered_at))
        ) as local_hour
    from orders
),

-- hours stand on a circle: the mean of 23 and 1 is midnight
stores_summed as (
    select
        store_id,
        time_zone,
        count(*) as order_count,
        count(*) filter (where local_hour < 6) as night_order_count,
        sum(sin(2 * pi() * local_hour / 24)) as sine,
        sum(cos(2 * pi() * local_hour / 24)) as cosine
    from hours
    group by store_id, time_zone
    having count(*) >= 50
),

-- each store counts once among the others, however much it sells
others_summed as (
    select
        stores_summed.store_id,
        sum(others.sine / others.order_count) as sine,
        sum(others.cosine / others.order_count) as cosine
    from stores_summed
    inner join stores_summed as others
        on stores_summed.store_id <> others.store_id
    group by stores_summed.store_id
),

compared as (
    select
        stores_summed.store_id,
        stores_summed.time_zone,
        stores_summed.order_count,
        stores_summed.night_order_count,
        round(
            (atan2(stores_summed.sine, stores_summed.cosine) * 24 / (2 * pi()) + 24)
            % 24,
            1
        ) as mean_hour,
        -- hours by which this store's curve lies later than the others', -12 to 12
        round(
            atan2(
                stores_summed.sine * others_summed.cosine
                - stores_summed.cosine * others_summed.sine,
                stores_summed.cosine * others_summed.cosine
                + stores_summed.sine * others_summed.sine
            ) * 24 / (2 * pi()),
            1
        ) as hours_later
    from stores_summed
    left join others_summed
        on stores_summed.store_id = others_summed.store_id
),

judged as (
    select
        store_id,
        time_zone,
        order_count,
        night_order_count,
        mean_hour,
        hours_later,
        case
            when night_order_count > 0.2 * order_count
                then 'over a fifth of its orders fall between midnight and six'
            when abs(hours_later) > 2
                then
                    'sells ' || abs(hours_later) || ' hours '
                    || case when hours_later > 0 then 'later' else 'earlier' end
                    || ' than the other stores'
        end as suspicion
    from compared
)

select * from judged
