-- If this fails, Pipedrive refuses the person: at most 100 labels each. The rest of the
-- audiences stands in audience_list__c.

select
    source_key,
    len(label_names) as label_count
from {{ ref('mart_persons') }}
where len(label_names) > 100
