-- Paths found in the landed JSON, with what was decided about each. Objects and lists
-- that are empty or null in some records show as a path that others begin with: they
-- are decided by their members and left out here. One row per resource and path.

with

paths_landed as (select * from {{ ref('stg_alpine_iq__paths') }}),

source_paths as (select * from {{ ref('source_paths') }}),

paths_matched as (
    select
        paths_landed.resource,
        paths_landed.path,
        coalesce(source_paths.decision, 'undecided') as decision,
        source_paths.reason,
        source_paths.path is not null as is_listed
    from paths_landed
    left join source_paths
        on
            paths_landed.resource = source_paths.resource
            and paths_landed.path = source_paths.path
),

containers as (
    select distinct
        paths_matched.resource,
        paths_matched.path
    from paths_matched
    inner join source_paths
        on
            paths_matched.resource = source_paths.resource
            and (
                starts_with(source_paths.path, paths_matched.path || '[')
                or starts_with(source_paths.path, paths_matched.path || '.')
            )
    where not paths_matched.is_listed
),

decided as (
    select
        paths_matched.resource,
        paths_matched.path,
        paths_matched.decision,
        paths_matched.reason,
        paths_matched.is_listed
    from paths_matched
    left join containers
        on
            paths_matched.resource = containers.resource
            and paths_matched.path = containers.path
    where containers.path is null
)

select * from decided
