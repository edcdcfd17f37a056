-- What the destination holds now in the words of the marts: parents are source keys,
-- labels are names. One row per entity, record and column that has a value.

with

records as (select * from {{ ref('plan_destination_records') }}),

id_map as (select * from {{ ref('stg_ledger__id_map') }}),

custom_values as (select * from {{ ref('stg_pipedrive__custom_values') }}),

native_values as (select * from {{ ref('stg_pipedrive__native_values') }}),

person_labels as (
    select
        option_id,
        option_label
    from {{ ref('stg_pipedrive__field_options') }}
    where entity = 'person' and field_code = 'label_ids'
),

-- a record is ours by the ledger or by the key that it carries; the ledger wins, since
-- people can edit a key
records_of_ours as (
    select
        entity,
        pipedrive_id,
        source_key,
        1 as preference
    from id_map
    where pipedrive_id is not null and state <> 'removed'
    union all
    select
        entity,
        pipedrive_id,
        source_key,
        2 as preference
    from records
    where source_key is not null
),

keys_by_id as (
    select
        entity,
        pipedrive_id,
        arg_min(source_key, (preference, source_key)) as source_key
    from records_of_ours
    group by entity, pipedrive_id
),

parents_named as (
    select
        native_values.entity,
        native_values.pipedrive_id,
        native_values.column_name,
        to_json(
            coalesce(
                keys_by_id.source_key,
                'id ' || cast(native_values.value as varchar)
            )
        ) as value
    from native_values
    left join keys_by_id
        on
            try_cast(cast(native_values.value as varchar) as bigint)
            = keys_by_id.pipedrive_id
            and keys_by_id.entity = case native_values.column_name
                when 'org__source_key' then 'organization'
                else replace(native_values.column_name, '__source_key', '')
            end
    where native_values.column_name like '%\_\_source\_key' escape '\'
),

label_ids_unnested as (
    select
        entity,
        pipedrive_id,
        column_name,
        unnest(cast(value as varchar[])) as option_id
    from native_values
    where column_name = 'label_names'
),

labels_named as (
    select
        label_ids_unnested.entity,
        label_ids_unnested.pipedrive_id,
        label_ids_unnested.column_name,
        to_json(
            list_sort(
                list(
                    coalesce(
                        person_labels.option_label,
                        'option ' || label_ids_unnested.option_id
                    )
                )
            )
        ) as value
    from label_ids_unnested
    left join person_labels
        on label_ids_unnested.option_id = person_labels.option_id
    group by
        label_ids_unnested.entity,
        label_ids_unnested.pipedrive_id,
        label_ids_unnested.column_name
),

united as (
    select * from parents_named
    union all
    select * from labels_named
    union all
    select * from custom_values
    union all
    select
        entity,
        pipedrive_id,
        column_name,
        value
    from native_values
    where
        column_name <> 'label_names'
        and column_name not like '%\_\_source\_key' escape '\'
),

keyed as (
    select
        united.entity,
        keys_by_id.source_key,
        united.pipedrive_id,
        united.column_name,
        united.value
    from united
    inner join keys_by_id
        on
            united.entity = keys_by_id.entity
            and united.pipedrive_id = keys_by_id.pipedrive_id
)

select * from keyed
