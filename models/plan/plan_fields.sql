-- Every field that a record may carry, native ones too. One row per entity and column.

select
    entity,
    column_name,
    field_name,
    field_type,
    is_personal,
    on_update
from {{ ref('fields') }}
