-- Stages that must exist before deals load. One row per stage.

select
    'aiq:stage:' || stage_name as source_key,
    'aiq:pipeline:' || pipeline_name as pipeline__source_key,
    stage_name as name,
    cast(min(stage_rank) as integer) as rank
from {{ ref('pipeline_stages') }}
group by pipeline_name, stage_name
