-- Ids of contacts in the points of sale. One row per contact_id that has any.

with

contacts as (select * from {{ ref('int_contacts_united') }}),

ids_unnested as (
    select
        contact_id,
        unnest(source_ids) as entry,
        generate_subscripts(source_ids, 1) as ordinal
    from contacts
),

ids_listed as (
    select
        contact_id,
        {{ clean_text('entry.source') }} as source_name,
        nullif(trim(entry.id), '') as source_id,
        {{ clean_text('entry.store') }} as store_name,
        ordinal
    from ids_unnested
    union all
    select
        contact_id,
        null as source_name,
        source_id,
        null as store_name,
        1000000 as ordinal
    from contacts
    where source_id is not null
),

-- the same id repeats once per store where it was registered
ids_distinct as (
    select
        contact_id,
        source_name,
        source_id,
        list_sort(list_distinct(list(store_name))) as store_names,
        min(ordinal) as ordinal
    from ids_listed
    where source_id is not null
    group by contact_id, source_name, source_id
),

-- the list's bare id says nothing new where the look-up names it with its source
ids_kept as (
    select
        contact_id,
        source_name,
        source_id,
        store_names,
        ordinal
    from ids_distinct
    qualify
        source_name is not null
        or count(*) over (partition by contact_id, source_id) = 1
),

collected as (
    select
        contact_id,
        -- upload ids are no point-of-sale ids
        arg_min(source_id, ordinal) filter (
            where coalesce(lower(source_name), '')
            not in ('rawfiles', 'flat file', 'flatfile', 'loyalty', 'alpineiq')
        ) as first_source_id,
        string_agg(
            concat_ws(
                ':::',
                source_name,
                source_id,
                nullif(array_to_string(store_names, '+'), '')
            ),
            ' | '
            order by ordinal
        ) as all_source_ids
    from ids_kept
    group by contact_id
)

select * from collected
