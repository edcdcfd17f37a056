-- Paths found in the landed JSON, with what was decided about each.
-- One row per resource and path.

with

paths_landed as (select * from {{ ref('stg_alpine_iq__paths') }}),

source_paths as (select * from {{ ref('source_paths') }}),

decided as (
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
)

select * from decided
