-- If this fails, property_fields.csv confirms a property as a field that the catalogue
-- lacks or gives another type, or the catalogue has a property that nobody confirmed.

with

decisions as (
    select * from {{ ref('property_fields') }}
    where decision = 'field'
),

fields as (
    select * from {{ ref('fields') }}
    where entity = 'person' and source like 'customAttributes %'
)

select
    'seeds/mapping/property_fields.csv' as seed_file,
    decisions.property_name,
    decisions.column_name as confirmed_as,
    decisions.field_type as confirmed_type,
    fields.column_name as in_the_catalogue,
    fields.field_type as catalogue_type
from decisions
full outer join fields
    on decisions.column_name = fields.column_name
where
    decisions.column_name is null
    or fields.column_name is null
    or decisions.field_type <> fields.field_type
