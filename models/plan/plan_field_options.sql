-- Options that must exist before records load. One row per entity, column and label.

select
    entity,
    column_name,
    option_label,
    rank
from {{ ref('mart_field_options') }}
