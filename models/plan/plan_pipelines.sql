-- Pipelines that must exist before deals load. One row per pipeline.

select distinct
    'aiq:pipeline:' || pipeline_name as source_key,
    pipeline_name as name
from {{ ref('pipeline_stages') }}
