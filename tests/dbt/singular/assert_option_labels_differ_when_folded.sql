-- If this fails, Pipedrive may take two options for one: labels are compared trimmed
-- and case-folded.

select
    entity,
    column_name,
    {{ case_folded('option_label') }} as folded_label,
    count(*) as option_count
from {{ ref('mart_field_options') }}
group by entity, column_name, folded_label
having count(*) > 1
