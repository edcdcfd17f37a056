-- Files of the manifest, which nothing uploads: each with its record in Pipedrive and
-- what to do about it. A file is done once its line is out of the manifest.
-- One row per file_key.

with

files_matched as (select * from {{ ref('int_files_matched') }}),

id_map as (
    select * from {{ ref('stg_ledger__id_map') }}
    where state = 'confirmed'
),

binding as (select * from {{ ref('stg_ledger__binding') }}),

listed as (
    select
        files_matched.file_key,
        files_matched.entity,
        files_matched.source_key,
        id_map.pipedrive_id,
        files_matched.attached_file,
        files_matched.file_kind,
        files_matched.file_title,
        files_matched.file_hash,
        files_matched.byte_count,
        files_matched.manifest_line,
        coalesce(
            files_matched.problem,
            if(id_map.pipedrive_id is null, 'record_is_not_loaded', 'to_be_attached')
        ) as problem,
        case
            when files_matched.problem = 'contact_is_not_known'
                then 'correct contact_id in the manifest, or take the line out'
            when files_matched.problem = 'order_is_not_known'
                then
                    'the receipt is unknown or of somebody else: correct '
                    || 'transaction_id, or attach the file to the person'
            when id_map.pipedrive_id is null
                then 'settle why the record is not loaded, then attach the file to it'
            else
                'attach the file to the record in Pipedrive, then take its line out of '
                || 'the manifest and extract'
        end as what_to_do,
        {{ pipedrive_link(
            'binding.company_domain', 'files_matched.entity', 'id_map.pipedrive_id'
        ) }} as pipedrive_link
    from files_matched
    left join id_map
        on
            files_matched.entity = id_map.entity
            and files_matched.source_key = id_map.source_key
    left join binding
        on true
)

select * from listed
