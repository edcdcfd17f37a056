-- If this warns, the source has a field, an export a column or a contact a custom
-- property that nobody decided on. It crosses nowhere, and apply is refused until a
-- person commits the proposed lines or better ones.

{{ config(severity='warn') }}

select
    kind,
    what,
    seed_file,
    proposed_line
from {{ ref('disc_decisions_open') }}
where kind <> 'store_setting'
