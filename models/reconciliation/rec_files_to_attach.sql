-- Files of the manifest that could not be uploaded or do not hang where they belong,
-- and uploads that the manifest no longer gives: why, and what a person is to do.
-- One row per file_key; where no line of the manifest stands for an upload, its key.

with

files_matched as (select * from {{ ref('int_files_matched') }}),

planned as (select * from {{ ref('plan_files') }}),

id_map as (
    select * from {{ ref('stg_ledger__id_map') }}
    where state = 'confirmed'
),

uploads as (
    select * from {{ ref('stg_ledger__id_map') }}
    where entity = 'file'
),

withdrawn as (
    select * from {{ ref('plan_withdrawn') }}
    where entity = 'file'
),

destination_values as (
    select * from {{ ref('plan_destination_values') }}
    where entity = 'file'
),

binding as (select * from {{ ref('stg_ledger__binding') }}),

judged as (
    select
        files_matched.file_key,
        files_matched.entity,
        files_matched.source_key,
        files_matched.attached_file,
        files_matched.file_kind,
        files_matched.file_title,
        files_matched.file_hash,
        files_matched.byte_count,
        files_matched.manifest_line,
        uploads.reason_code,
        case
            when files_matched.problem is not null then files_matched.problem
            when planned.source_key is null then 'record_is_not_loaded'
            when uploads.state = 'gone' or planned.reason = 'deleted_in_destination'
                then 'deleted_in_pipedrive'
            when uploads.state = 'quarantined' and uploads.reason_code <> 'parent'
                then 'upload_refused'
            when planned.action in ('waiting', 'quarantine') then 'record_is_not_loaded'
            when uploads.state = 'quarantined' then 'record_is_not_loaded'
            when planned.action = 'conflict' then 'several_carry_its_key'
            when
                uploads.state = 'confirmed'
                and (
                    json_extract_string(uploads.field_hashes, '$.person__source_key')
                    <> json_extract_string(
                        planned.field_hashes, '$.person__source_key'
                    )
                    or json_extract_string(uploads.field_hashes, '$.deal__source_key')
                    <> json_extract_string(planned.field_hashes, '$.deal__source_key')
                )
                then 'hangs_on_another_record'
        end as problem
    from files_matched
    left join planned
        on files_matched.file_source_key = planned.source_key
    left join uploads
        on files_matched.file_source_key = uploads.source_key
),

parents_there as (
    select
        source_key,
        replace(column_name, '__source_key', '') as entity,
        value ->> '$' as parent_source_key
    from destination_values
    where column_name in ('person__source_key', 'deal__source_key')
    qualify row_number() over (partition by source_key order by column_name) = 1
),

names_there as (
    select
        source_key,
        max(if(column_name = 'name', value ->> '$', null)) as file_name,
        max(
            if(column_name = 'file_size', try_cast(value ->> '$' as bigint), null)
        ) as byte_count
    from destination_values
    group by source_key
),

-- with the record on which they hang now, if they were read back
older_uploads as (
    select
        withdrawn.source_key as file_key,
        coalesce(parents_there.entity, 'file') as entity,
        coalesce(parents_there.parent_source_key, withdrawn.source_key) as source_key,
        names_there.file_name as attached_file,
        names_there.byte_count
    from withdrawn
    left join parents_there on withdrawn.source_key = parents_there.source_key
    left join names_there on withdrawn.source_key = names_there.source_key
),

united as (
    select
        file_key,
        entity,
        source_key,
        attached_file,
        file_kind,
        file_title,
        file_hash,
        byte_count,
        manifest_line,
        reason_code,
        problem
    from judged
    where problem is not null
    union all
    select
        file_key,
        entity,
        source_key,
        attached_file,
        null as file_kind,
        null as file_title,
        null as file_hash,
        byte_count,
        null as manifest_line,
        null as reason_code,
        'no_longer_in_the_manifest' as problem
    from older_uploads
),

listed as (
    select
        united.file_key,
        united.entity,
        united.source_key,
        id_map.pipedrive_id,
        united.attached_file,
        united.file_kind,
        united.file_title,
        united.file_hash,
        united.byte_count,
        united.manifest_line,
        united.problem,
        case
            when united.problem = 'contact_is_not_known'
                then 'correct contact_id in the manifest, or take the line out'
            when united.problem = 'order_is_not_known'
                then
                    'the receipt is unknown or of somebody else: correct it, or '
                    || 'take it out to attach the file to the person'
            when united.problem = 'file_is_too_large'
                then
                    'make it smaller; or raise PIPEDRIVE_LARGEST_FILE_MB if the '
                    || 'account takes larger ones'
            when united.problem = 'record_is_not_loaded'
                then
                    'settle why the record is not loaded; if it stays out, attach the '
                    || 'file by hand where it belongs'
            when united.problem = 'deleted_in_pipedrive'
                then 'somebody deleted it: leave it, or take it back within 30 days'
            when united.problem = 'several_carry_its_key'
                then 'delete all but one of the files with this key, then plan again'
            when united.problem = 'hangs_on_another_record'
                then
                    'it was uploaded to the record that was the right one then: move '
                    || 'it by hand'
            when united.problem = 'no_longer_in_the_manifest'
                then
                    'its line is gone or its content changed, which is a new upload: '
                    || 'delete this one in Pipedrive if nobody needs it'
            when united.reason_code = 'file_changed'
                then 'it is not what was checked: extract, build, plan again'
            when united.reason_code = 'file_missing'
                then 'put the file back into inbox/files, then aiq2pd retry'
            else
                'ledger.id_map says why; mend it, then aiq2pd retry, or attach the '
                || 'file by hand'
        end as what_to_do,
        {{ pipedrive_link(
            'binding.company_domain', 'united.entity', 'id_map.pipedrive_id'
        ) }} as pipedrive_link
    from united
    left join id_map
        on
            united.entity = id_map.entity
            and united.source_key = id_map.source_key
    left join binding
        on true
)

select * from listed
