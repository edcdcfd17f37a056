-- Files as Pipedrive will hold them: those of the inbox's manifest, each on the deal of
-- its order or on its person. What they hold stays in the inbox until it is sent.
-- One row per source_key.

with

files as (
    select * from {{ ref('int_files_matched') }}
    where problem is null
),

persons as (select * from {{ ref('mart_persons') }}),

deals as (select * from {{ ref('mart_deals') }}),

mapped as (

    select
        ---------- keys
        files.file_source_key as source_key,
        persons.source_key as person__source_key,
        deals.source_key as deal__source_key,

        ---------- standard fields
        files.upload_name as name,
        files.byte_count as file_size

    from files

    left join persons
        on
            files.source_key = persons.source_key
            and files.entity = 'person'

    left join deals
        on
            files.source_key = deals.source_key
            and files.entity = 'deal'

    -- without a record to hang on, nobody would find it: rec_files_to_attach lists it
    where persons.source_key is not null or deals.source_key is not null

)

select * from mapped
