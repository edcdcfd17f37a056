-- Files that the customer put beside the exports, as their manifest names them.
-- One row per contact, receipt and file.

with

raw_export_files as (select * from {{ source('raw_alpine_iq', 'export_files') }}),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_export_files.record_key,
        raw_export_files.request,
        raw_export_files.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_export_files.payload,
            '{
                "contactID": "VARCHAR",
                "transactionID": "VARCHAR",
                "file": "VARCHAR",
                "kind": "VARCHAR",
                "title": "VARCHAR",
                "sha256": "VARCHAR",
                "size": "BIGINT"
            }'
        ) as line
    from raw_export_files
    inner join completed_loads
        on raw_export_files._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as file_key,
        {{ text_or_null('line.contactid') }} as contact_id,
        {{ text_or_null('line.transactionid') }} as order_id,
        ---------- text
        {{ text_or_null('line.file') }} as attached_file,
        {{ text_or_null('line.kind') }} as file_kind,
        {{ text_or_null('line.title') }} as file_title,
        line.sha256 as file_hash,
        ---------- numbers
        line.size as byte_count,
        cast(split_part(request, '#', 2) as integer) as manifest_line,
        ---------- timestamps
        fetched_at
    from parsed
)

select * from typed
