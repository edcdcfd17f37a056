-- If this fails, policies.csv lets people load of whom something is still to be asked
-- for and names nobody who approved it; until then they are held back.

select
    'seeds/decisions/policies.csv' as seed_file,
    rowid + 2 as line_number,
    policy_name,
    policy_value,
    'decided_by and decided_on (a date), or hold' as allowed_values
from {{ ref('policies') }}
where
    policy_name = 'incomplete_contacts'
    and policy_value = 'load'
    and (decided_by is null or try_cast(decided_on as date) is null)
