-- If this warns, the source has a field that nobody mapped or dropped: it would be lost
-- in silence. Add its row to source_paths.csv. Objects and lists that are empty in
-- every record show as a path that others begin with; those are decided by their
-- members.

{{ config(severity='warn') }}

with

paths as (select * from {{ ref('disc_source_paths') }}),

source_paths as (select * from {{ ref('source_paths') }})

select
    paths.resource,
    paths.path
from paths
left join source_paths
    on
        paths.resource = source_paths.resource
        and (
            starts_with(source_paths.path, paths.path || '[')
            or starts_with(source_paths.path, paths.path || '.')
        )
where paths.decision = 'undecided' and source_paths.path is null
