-- Which file of the inbox each planned upload sends, and the content that it must have.
-- One row per source_key of plan_files that is to be created.

with

planned as (
    select * from {{ ref('plan_files') }}
    where action = 'create'
),

files as (select * from {{ ref('int_files_matched') }}),

contents as (
    select
        planned.source_key,
        files.attached_file,
        files.file_hash
    from planned
    inner join files on planned.source_key = files.file_source_key
)

select * from contents
