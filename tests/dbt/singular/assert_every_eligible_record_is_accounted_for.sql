-- Conservation, the first law: if this fails, records fell between mart, plan and
-- ledger.

select
    entity,
    eligible,
    unexplained
from {{ ref('rec_accounting') }}
where unexplained <> 0
