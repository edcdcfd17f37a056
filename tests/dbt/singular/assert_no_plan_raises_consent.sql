-- If this fails, applying the plan would make somebody contactable who is not.

select
    entity,
    source_key,
    column_name,
    label_before,
    label_now
from {{ ref('plan_consent_changes') }}
where direction = 'rise' and is_sent
