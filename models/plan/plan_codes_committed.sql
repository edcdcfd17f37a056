-- Codes and ids that somebody committed for what provisioning would otherwise look for
-- by name. One row per entity, column and option label; no option: the thing itself.

select
    entity,
    column_name,
    option_label,
    list(field_code order by field_code) as committed_codes
from {{ ref('field_codes') }}
group by entity, column_name, option_label
