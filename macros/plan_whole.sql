{#-
    Intended calls with what they send, where a plan keeps the two apart. The view in a
    file names no database, so that it can be read from a copy under any name.
-#}
{% macro plan_whole(entity, calls, payloads) -%}
    {#- sqlfluff knows no target -#}
    {%- set in_place = (target or {}).name != 'duckdb' -%}
with

calls as (
    select * from {{ ref(calls).include(database=in_place) }}
),

payload_rows as (
    select * from {{ ref(payloads).include(database=in_place) }}
),

-- flagged ones are sent without a row of the mart
withdrawn_rows as (
    select * from {{ ref('plan_withdrawn').include(database=in_place) }}
    where entity = '{{ entity }}' and payload is not null
),

contents as (
    select
        source_key,
        payload,
        field_hashes,
        payload_hash
    from payload_rows
    union all
    select
        source_key,
        payload,
        field_hashes,
        md5(cast(payload as varchar)) as payload_hash
    from withdrawn_rows
),

completed as (
    select
        {{ plan_columns('calls', 'contents') }}
    from calls
    left join contents
        on
            calls.source_key = contents.source_key
            and calls.new_hash = contents.payload_hash
)

select * from completed
{%- endmacro %}
