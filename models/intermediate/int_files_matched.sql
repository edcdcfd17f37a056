-- Files of the manifest with the record that each is to hang on: the deal of its order
-- where it names a receipt that is known and that person's, else the person; and the
-- key and name under which each is to be uploaded.
-- One row per file_key.

with

files as (select * from {{ ref('stg_alpine_iq__export_files') }}),

contacts_matched as (select * from {{ ref('int_contacts_matched') }}),

orders as (select * from {{ ref('int_orders_rolled_up') }}),

orders_with_owner as (
    select
        orders.order_id,
        contacts_matched.person_source_key,
        min(orders.source_key) as source_key
    from orders
    inner join contacts_matched
        on orders.contact_id = contacts_matched.contact_id
    where orders.has_real_key
    group by orders.order_id, contacts_matched.person_source_key
    having count(distinct orders.source_key) = 1
),

matched as (
    select
        files.file_key,
        if(orders_with_owner.source_key is null, 'person', 'deal') as entity,
        coalesce(
            orders_with_owner.source_key,
            contacts_matched.person_source_key,
            'aiq:contact:' || files.contact_id
        ) as source_key,
        case
            when contacts_matched.contact_id is null then 'contact_is_not_known'
            when files.order_id is not null and orders_with_owner.order_id is null
                then 'order_is_not_known'
            when files.byte_count > {{ pipedrive_setting('largest_file_mb') }} * 1000000
                then 'file_is_too_large'
        end as problem,
        -- another content is another file: what was uploaded is never written over
        'aiq:file:' || left(sha256(files.file_key || ' ' || files.file_hash), 16)
            as file_source_key,
        nfc_normalize(files.attached_file) as file_name,
        regexp_extract(files.attached_file, '\.[0-9A-Za-z]{1,10}$') as file_ending,
        files.attached_file,
        files.file_kind,
        files.file_title,
        files.file_hash,
        files.byte_count,
        files.manifest_line
    from files
    left join contacts_matched
        on files.contact_id = contacts_matched.contact_id
    left join orders_with_owner
        on
            files.order_id = orders_with_owner.order_id
            and contacts_matched.person_source_key = orders_with_owner.person_source_key
),

-- a file has no fields and the answers show no hash of its content: the key has to
-- stand in its name, where no quotation mark can end it early
named as (
    select
        file_key,
        entity,
        source_key,
        problem,
        file_source_key,
        left(
            replace(
                left(file_name, length(file_name) - length(file_ending)), '"', ''''
            ),
            180
        )
        || ' [' || replace(file_source_key, ':', '-') || ']' || file_ending
            as upload_name,
        attached_file,
        file_kind,
        file_title,
        file_hash,
        byte_count,
        manifest_line
    from matched
)

select * from named
