-- Records that hang on another parent than the source says, or on none.
-- One row per entity, source_key and parent column.

with

mismatches as (
    select * from {{ ref('rec_field_mismatches') }}
    where column_name like '%\_\_source\_key' escape '\'
),

named as (
    select
        entity,
        source_key,
        pipedrive_id,
        column_name,
        source_value as parent_expected,
        destination_value as parent_found,
        verdict,
        what_to_do
    from mismatches
)

select * from named
