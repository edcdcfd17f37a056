-- Pipelines that must exist before deals load. One row per pipeline.

with

stages as (select * from {{ ref('pipeline_stages') }}),

codes as (
    select * from {{ ref('plan_codes_committed') }}
    where entity = 'pipeline' and option_label is null
),

named as (
    select distinct
        'aiq:pipeline:' || pipeline_name as source_key,
        pipeline_name as name
    from stages
),

coded as (
    select
        named.source_key,
        named.name,
        coalesce(codes.committed_codes, []) as committed_codes
    from named
    left join codes
        on named.source_key = codes.column_name
)

select * from coded
