-- Stages that must exist before deals load. One row per stage.

with

stages as (select * from {{ ref('pipeline_stages') }}),

codes as (
    select * from {{ ref('plan_codes_committed') }}
    where entity = 'stage' and option_label is null
),

ranked as (
    select
        'aiq:stage:' || stage_name as source_key,
        'aiq:pipeline:' || pipeline_name as pipeline__source_key,
        stage_name as name,
        cast(min(stage_rank) as integer) as rank
    from stages
    group by pipeline_name, stage_name
),

coded as (
    select
        ranked.source_key,
        ranked.pipeline__source_key,
        ranked.name,
        ranked.rank,
        coalesce(codes.committed_codes, []) as committed_codes
    from ranked
    left join codes
        on ranked.source_key = codes.column_name
)

select * from coded
