-- Ranked values (consent) that differ from what the destination holds or was last sent.
-- One row per entity, record and column. A rise is never sent; it stands here to be
-- seen.

with

planned as (
    select * from {{ ref('plan_records') }}
    where action in ('update', 'adopt', 'conflict') and payload is not null
),

id_map as (select * from {{ ref('stg_ledger__id_map') }}),

destination_values as (select * from {{ ref('plan_destination_values') }}),

catalogue as (
    select * from {{ ref('fields') }}
    where on_update = 'never_raise'
),

option_ranks as (select * from {{ ref('field_options') }}),

ranked_columns as (
    select
        planned.entity,
        planned.source_key,
        planned.pipedrive_id,
        catalogue.column_name,
        json_extract_string(planned.payload, '$.' || catalogue.column_name)
            as label_now,
        list_contains(planned.changed_fields, catalogue.column_name) as is_sent
    from planned
    inner join catalogue
        on planned.entity = catalogue.entity
),

compared as (
    select
        ranked_columns.entity,
        ranked_columns.source_key,
        ranked_columns.column_name,
        ranked_columns.label_now,
        ranked_columns.is_sent,
        now_rank.rank as rank_now,
        coalesce(there_rank.option_label, sent_rank.option_label) as label_before,
        coalesce(there_rank.rank, sent_rank.rank) as rank_before
    from ranked_columns
    left join id_map
        on
            ranked_columns.entity = id_map.entity
            and ranked_columns.source_key = id_map.source_key
    left join destination_values
        on
            ranked_columns.entity = destination_values.entity
            and ranked_columns.pipedrive_id = destination_values.pipedrive_id
            and ranked_columns.column_name = destination_values.column_name
    left join option_ranks as now_rank
        on
            ranked_columns.entity = now_rank.entity
            and ranked_columns.column_name = now_rank.column_name
            and ranked_columns.label_now = now_rank.option_label
    left join option_ranks as there_rank
        on
            ranked_columns.entity = there_rank.entity
            and ranked_columns.column_name = there_rank.column_name
            and (destination_values.value ->> '$') = there_rank.option_label
    left join option_ranks as sent_rank
        on
            ranked_columns.entity = sent_rank.entity
            and ranked_columns.column_name = sent_rank.column_name
            and json_extract_string(
                id_map.field_hashes, '$.' || ranked_columns.column_name
            )
            = md5(cast(to_json(sent_rank.option_label) as varchar))
),

classified as (
    select
        entity,
        source_key,
        column_name,
        label_before,
        label_now,
        case when rank_now > rank_before then 'rise' else 'fall' end as direction,
        is_sent
    from compared
    where rank_now <> rank_before
)

select * from classified
