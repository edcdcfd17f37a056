-- If this fails, policies.csv asks for hidden contacts in full and names nobody who
-- approved it; until then they are reported only.

select
    'seeds/decisions/policies.csv' as seed_file,
    rowid + 2 as line_number,
    policy_name,
    policy_value,
    'decided_by and decided_on (a date), or report or stub' as allowed_values
from {{ ref('policies') }}
where
    policy_name = 'hidden_contacts'
    and policy_value = 'full'
    and (decided_by is null or try_cast(decided_on as date) is null)
