-- What a person still has to decide before anything is loaded: paths and export
-- columns that nobody mapped or dropped, properties that nobody confirmed, stores
-- whose zone, currency, owner and visibility nobody confirmed. Each with the line to
-- add. One row per kind and what.

with

paths as (select * from {{ ref('disc_source_paths') }}),

properties as (select * from {{ ref('disc_custom_properties') }}),

stores as (select * from {{ ref('int_stores_configured') }}),

decisions_open as (
    select
        'source_path' as kind,
        resource || ' ' || path as what,
        'seeds/mapping/source_paths.csv' as seed_file,
        concat_ws(
            ',', resource, {{ csv_quoted('path') }}, 'dropped', 'to be confirmed'
        ) as proposed_line
    from paths
    where decision = 'undecided'
    union all
    select
        'custom_property' as kind,
        property_name as what,
        'seeds/mapping/property_fields.csv' as seed_file,
        line_for_property_fields as proposed_line
    from properties
    where decision = 'undecided'
    union all
    select
        'store_setting' as kind,
        'store ' || store_id as what,
        'seeds/decisions/store_settings.csv' as seed_file,
        concat_ws(
            ',',
            {{ csv_quoted('store_id') }},
            time_zone,
            currency,
            coalesce(cast(owner_id as varchar), 'OWNER_ID'),
            coalesce(cast(visible_to as varchar), 'VISIBLE_TO'),
            {{ csv_quoted('organization_name') }},
            'YOUR_NAME',
            'YYYY-MM-DD'
        ) as proposed_line
    from stores
    where not is_confirmed
)

select * from decisions_open
