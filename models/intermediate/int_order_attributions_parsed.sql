-- Attribution of orders: as stated on the order, else derived from a conversion.
-- One row per source_key that has any.

with

orders as (select * from {{ ref('int_orders_rolled_up') }}),

conversions as (select * from {{ ref('stg_alpine_iq__conversions') }}),

campaigns as (select * from {{ ref('stg_alpine_iq__campaigns') }}),

-- text encoded as a whole hides its own separators
texts_decoded as (
    select
        source_key,
        attribution_text,
        case
            when
                not contains(attribution_text, '=')
                and contains(attribution_text, '%')
                then percent_decoded(attribution_text)
            else attribution_text
        end as decoded_text
    from orders
    where attribution_text is not null
),

texts_sorted as (
    select
        source_key,
        attribution_text,
        decoded_text,
        case
            when starts_with(decoded_text, '{') and json_valid(decoded_text) then 'json'
            when contains(decoded_text, '=') then 'query'
            when regexp_full_match(decoded_text, '[0-9A-Za-z_-]{1,40}') then 'id'
            else 'unreadable'
        end as shape
    from texts_decoded
),

texts_parsed as (
    select
        source_key,
        attribution_text,
        case shape
            when 'json'
                then coalesce(
                    json_extract_string(decoded_text, '$.utm_source'),
                    json_extract_string(decoded_text, '$.source')
                )
            when 'query' then {{ query_value('decoded_text', 'source') }}
            when 'id' then 'alpineiq'
        end as attr_source,
        case shape
            when 'json'
                then coalesce(
                    json_extract_string(decoded_text, '$.utm_medium'),
                    json_extract_string(decoded_text, '$.medium')
                )
            when 'query' then {{ query_value('decoded_text', 'medium') }}
        end as attr_medium,
        case shape
            when 'json'
                then coalesce(
                    json_extract_string(decoded_text, '$.utm_campaign'),
                    json_extract_string(decoded_text, '$.campaign')
                )
            when 'query' then {{ query_value('decoded_text', 'campaign') }}
        end as attr_campaign,
        case shape
            when 'json' then json_extract_string(decoded_text, '$.cid')
            when 'query' then {{ query_value('decoded_text', 'cid') }}
            when 'id' then decoded_text
        end as campaign_id
    from texts_sorted
),

stated as (
    select
        texts_parsed.source_key,
        texts_parsed.attribution_text as raw_attribution,
        {{ clean_text('texts_parsed.attr_source') }} as attr_source,
        {{ clean_text('texts_parsed.attr_medium') }} as attr_medium,
        coalesce(
            {{ clean_text('texts_parsed.attr_campaign') }},
            {{ clean_text('campaigns.campaign_name') }},
            {{ clean_text('texts_parsed.campaign_id') }}
        ) as attr_campaign
    from texts_parsed
    left join campaigns
        on texts_parsed.campaign_id = campaigns.campaign_id
),

-- last touch, as the source attributes
conversions_joined as (
    select
        orders.source_key,
        conversions.channel,
        conversions.campaign_id,
        conversions.action_at,
        conversions.conversion_key
    from orders
    inner join conversions
        on orders.order_id = conversions.order_id
    where orders.contact_id = conversions.contact_id
    union all
    select
        orders.source_key,
        conversions.channel,
        conversions.campaign_id,
        conversions.action_at,
        conversions.conversion_key
    from orders
    inner join conversions
        on
            orders.contact_id = conversions.contact_id
            and orders.ordered_at = conversions.order_at
    where orders.order_id is null or conversions.order_id is null
),

last_touches as (
    select
        source_key,
        channel,
        campaign_id
    from conversions_joined
    qualify
        row_number() over (
            partition by source_key
            order by action_at desc nulls last, conversion_key asc
        ) = 1
),

derived as (
    select
        last_touches.source_key,
        'alpineiq' as attr_source,
        {{ clean_text('last_touches.channel') }} as attr_medium,
        coalesce(
            {{ clean_text('campaigns.campaign_name') }}, last_touches.campaign_id
        ) as attr_campaign
    from last_touches
    left join campaigns
        on last_touches.campaign_id = campaigns.campaign_id
),

parsed as (
    select
        coalesce(stated.source_key, derived.source_key) as source_key,
        stated.raw_attribution,
        -- one origin for all three: a mix of both would look like a fact
        case
            when
                coalesce(stated.attr_source, stated.attr_medium, stated.attr_campaign)
                is not null
                then 'stated on the order'
            when derived.source_key is not null then 'derived from a conversion'
        end as origin,
        case
            when
                coalesce(stated.attr_source, stated.attr_medium, stated.attr_campaign)
                is not null
                then stated.attr_source
            else derived.attr_source
        end as attr_source,
        case
            when
                coalesce(stated.attr_source, stated.attr_medium, stated.attr_campaign)
                is not null
                then stated.attr_medium
            else derived.attr_medium
        end as attr_medium,
        case
            when
                coalesce(stated.attr_source, stated.attr_medium, stated.attr_campaign)
                is not null
                then stated.attr_campaign
            else derived.attr_campaign
        end as attr_campaign
    from stated
    full outer join derived
        on stated.source_key = derived.source_key
)

select * from parsed
