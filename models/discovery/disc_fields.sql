-- Fields of the landed records: how they are filled, the type and catalogue line that
-- would fit. One row per resource and top-level member; no value is shown.

{% set resources = [
    'contacts', 'contact_details', 'contact_orders', 'stores', 'audiences', 'discounts',
    'campaigns',
] %}
{% set of_contacts = ['contacts', 'contact_details', 'contact_orders'] %}

with

source_paths as (select * from {{ ref('source_paths') }}),

-- a hundred thousand contacts show how members are filled: in an account with more, an
-- even part of them is looked at, the same one in each build
sampled as (
    select greatest(ceil(count(*) / 100000), 1) as every_nth
    from {{ source('raw_alpine_iq', 'contacts') }}
),

payloads as not materialized (
    {% for resource in resources %}
        select
            '{{ resource }}' as resource,
            payload
        from {{ source('raw_alpine_iq', resource) }}
        {% if resource in of_contacts %}
            where
                cast('0x' || left(md5(record_key), 7) as bigint)
                % (select sampled.every_nth from sampled)
                = 0
        {% endif %}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

records as not materialized (
    select
        resource,
        cast(payload as map (varchar, json)) as member_values
    from payloads
    where resource <> 'contact_orders'
    union all
    select
        resource,
        unnest(
            from_json(payload -> '$.lines', '["MAP(VARCHAR, JSON)"]')
        ) as member_values
    from payloads
    where resource = 'contact_orders'
),

records_counted as (
    select
        resource,
        cast(
            sum(
                if(
                    resource = 'contact_orders',
                    json_array_length(payload, '$.lines'),
                    1
                )
            ) as bigint
        ) as record_count
    from payloads
    group by resource
),

members as (
    select
        resource,
        unnest(map_keys(member_values)) as field_name,
        unnest(map_values(member_values)) as field_value
    from records
),

-- most members repeat a few values: each is looked at once
values_counted as (
    select
        resource,
        field_name,
        field_value,
        count(*) as value_count
    from members
    group by resource, field_name, field_value
),

values_read as (
    select
        resource,
        field_name,
        field_value ->> '$' as field_text,
        json_type(field_value) in ('ARRAY', 'OBJECT') as is_nested,
        if(
            coalesce(field_value ->> '$', '') in ('', '[]', '{}', 'null'),
            0,
            value_count
        ) as filled_count
    from values_counted
),

measured as (
    select
        resource,
        field_name,
        cast(sum(filled_count) as bigint) as filled_count,
        approx_count_distinct(field_text) filter (where field_text <> '')
            as distinct_count,
        max(length(field_text)) as longest_value,
        bool_or(is_nested) as is_nested,
        bool_and(try_cast(field_text as double) is not null)
        filter (where field_text <> '') as is_number,
        bool_and(try_cast(field_text as date) is not null)
        filter (where field_text <> '') as is_date,
        bool_and(lower(field_text) in ('true', 'false', 'yes', 'no'))
        filter (where field_text <> '') as is_truth
    from values_read
    group by resource, field_name
),

decided as (
    select
        resource,
        regexp_extract(path, '^(lines\[\]\.)?([^.\[]+)', 2) as field_name,
        string_agg(distinct decision, ', ' order by decision) as decision
    from source_paths
    group by resource, regexp_extract(path, '^(lines\[\]\.)?([^.\[]+)', 2)
),

typed as (
    select
        measured.resource,
        measured.field_name,
        records_counted.record_count,
        measured.filled_count,
        round(measured.filled_count / nullif(records_counted.record_count, 0), 4)
            as fill_rate,
        measured.distinct_count,
        measured.longest_value,
        case
            when measured.is_nested then 'nested'
            when measured.filled_count = 0 then 'unknown'
            when measured.is_truth then 'truth'
            when measured.is_number then 'number'
            when measured.is_date then 'date'
            else 'text'
        end as source_type,
        coalesce(decided.decision, 'undecided') as decision
    from measured
    inner join records_counted
        on measured.resource = records_counted.resource
    left join decided
        on
            measured.resource = decided.resource
            and measured.field_name = decided.field_name
),

proposed as (
    select
        resource,
        field_name,
        record_count,
        filled_count,
        fill_rate,
        distinct_count,
        longest_value,
        source_type,
        decision,
        case
            when source_type = 'truth' then 'enum'
            when source_type = 'number' then 'double'
            when source_type = 'date' then 'date'
            when source_type = 'nested' or longest_value > 255 then 'text'
            when source_type = 'unknown' then 'varchar'
            when distinct_count <= 20 and filled_count >= 5 * distinct_count then 'enum'
            else 'varchar'
        end as proposed_type
    from typed
),

written as (
    select
        resource,
        field_name,
        record_count,
        filled_count,
        fill_rate,
        distinct_count,
        longest_value,
        source_type,
        proposed_type,
        decision,
        -- a line for seeds/mapping/fields.csv; personal until a person says otherwise
        concat_ws(
            ',',
            case resource
                when 'stores' then 'organization'
                when 'contact_orders' then 'deal'
                else 'person'
            end,
            lower(regexp_replace(field_name, '([a-z])([A-Z])', '\1_\2', 'g')) || '__c',
            'custom',
            upper(left(field_name, 1))
            || lower(
                regexp_replace(substr(field_name, 2), '([a-z])([A-Z])', '\1 \2', 'g')
            ),
            proposed_type,
            resource || '.' || field_name,
            'none',
            'source_wins',
            'true',
            'to be decided'
        ) as proposed_line
    from proposed
)

select * from written
