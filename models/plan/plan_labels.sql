-- Labels that must exist before records load. One row per entity and label.

select
    entity,
    label_name,
    rank
from {{ ref('mart_labels') }}
