-- Every field of every record that is there, source beside destination, with a verdict.
-- One row per entity, source_key and column that has a value on either side. Values
-- stand only where the sides differ, and never where they are personal.

with

planned as (
    select * from {{ ref('plan_records') }}
    where payload is not null
),

id_map as (select * from {{ ref('stg_ledger__id_map') }}),

destination_records as (select * from {{ ref('plan_destination_records') }}),

destination_values as (select * from {{ ref('plan_destination_values') }}),

catalogue as (select * from {{ ref('fields') }}),

option_ranks as (select * from {{ ref('field_options') }}),

withdrawn as (select * from {{ ref('plan_withdrawn') }}),

left_to_people as (
    select distinct
        entity,
        source_key,
        column_name
    from {{ ref('plan_conflicts') }}
    where problem = 'edited_in_destination'
),

decisions as (
    select * from {{ ref('field_decisions') }}
    where decision = 'keep_theirs'
),

records_by_key as (
    select
        entity,
        source_key,
        min(pipedrive_id) as pipedrive_id
    from destination_records
    where source_key is not null
    group by entity, source_key
),

-- adding lines changes the deal, and that is our own doing
last_write_to_lines as (
    select
        'deal' as entity,
        planned.payload ->> 'deal__source_key' as source_key,
        max(id_map.updated_at) as updated_at
    from planned
    inner join id_map
        on
            planned.entity = id_map.entity
            and planned.source_key = id_map.source_key
    where planned.entity = 'deal_product'
    group by planned.payload ->> 'deal__source_key'
),

-- the record that the ledger names, else the one that carries the key
matched as (
    select
        planned.entity,
        planned.source_key,
        planned.payload,
        planned.field_hashes,
        planned.changed_fields,
        id_map.field_hashes as hashes_sent,
        coalesce(id_map.origin = 'adopted', false) as is_adopted,
        coalesce(by_id.pipedrive_id, records_by_key.pipedrive_id) as pipedrive_id,
        coalesce(
            coalesce(by_id.updated_at, by_key.updated_at)
            > greatest(id_map.updated_at, last_write_to_lines.updated_at)
            + interval 2 seconds,
            false
        ) as is_touched_since
    from planned
    left join id_map
        on
            planned.entity = id_map.entity
            and planned.source_key = id_map.source_key
    left join last_write_to_lines
        on
            planned.entity = last_write_to_lines.entity
            and planned.source_key = last_write_to_lines.source_key
    left join destination_records as by_id
        on
            id_map.entity = by_id.entity
            and id_map.pipedrive_id = by_id.pipedrive_id
    left join records_by_key
        on
            planned.entity = records_by_key.entity
            and planned.source_key = records_by_key.source_key
    left join destination_records as by_key
        on
            records_by_key.entity = by_key.entity
            and records_by_key.pipedrive_id = by_key.pipedrive_id
    where coalesce(by_id.pipedrive_id, records_by_key.pipedrive_id) is not null
),

source_unnested as (
    select
        entity,
        source_key,
        pipedrive_id,
        unnest(map_entries(cast(payload as map (varchar, json)))) as member
    from matched
),

source_values as (
    select
        entity,
        source_key,
        pipedrive_id,
        member.key as column_name,
        member.value
    from source_unnested
    where
        member.value is not null
        and cast(member.value as varchar) not in ('""', '[]')
),

destination_matched as (
    select
        matched.entity,
        matched.source_key,
        matched.pipedrive_id,
        destination_values.column_name,
        destination_values.value
    from destination_values
    inner join matched
        on
            destination_values.entity = matched.entity
            and destination_values.pipedrive_id = matched.pipedrive_id
    left join withdrawn
        on
            matched.entity = withdrawn.entity
            and matched.source_key = withdrawn.source_key
    -- of a record that the source withdrew only the flag is ours to compare
    where
        withdrawn.source_key is null
        or json_exists(withdrawn.payload, '$.' || destination_values.column_name)
),

side_by_side as (
    select
        coalesce(source_values.entity, destination_matched.entity) as entity,
        coalesce(source_values.source_key, destination_matched.source_key)
            as source_key,
        coalesce(source_values.pipedrive_id, destination_matched.pipedrive_id)
            as pipedrive_id,
        coalesce(source_values.column_name, destination_matched.column_name)
            as column_name,
        source_values.value as source_value,
        destination_matched.value as destination_value
    from source_values
    full outer join destination_matched
        on
            source_values.entity = destination_matched.entity
            and source_values.source_key = destination_matched.source_key
            and source_values.column_name = destination_matched.column_name
),

differing as (
    select
        side_by_side.entity,
        side_by_side.source_key,
        side_by_side.pipedrive_id,
        side_by_side.column_name,
        side_by_side.source_value,
        side_by_side.destination_value,
        catalogue.on_update,
        catalogue.is_personal,
        case
            when side_by_side.column_name like '%\_\_source\_key' escape '\'
                then 'parent'
            when
                catalogue.field_type = 'double'
                or side_by_side.column_name in (
                    'value', 'item_price', 'quantity', 'discount', 'tax', 'owner_id',
                    'visible_to'
                )
                then 'number'
            when catalogue.field_type = 'monetary' then 'money'
            when
                catalogue.field_type = 'set'
                or side_by_side.column_name = 'label_names'
                then 'labels'
            when side_by_side.column_name in ('emails', 'phones') then 'contacts'
            when
                catalogue.field_type = 'address'
                or side_by_side.column_name = 'address'
                then 'address'
            when side_by_side.column_name = 'prices' then 'prices'
            when
                catalogue.field_type = 'date'
                or side_by_side.column_name like '%\_time' escape '\'
                then 'time'
            when side_by_side.column_name = 'content' then 'html'
            else 'text'
        end as shape
    from side_by_side
    left join catalogue
        on
            side_by_side.entity = catalogue.entity
            and side_by_side.column_name = catalogue.column_name
    where side_by_side.source_value is distinct from side_by_side.destination_value
),

-- equal in meaning, in the terms of the shape; most that differ as text end here
exactly as (
    select
        entity,
        source_key,
        pipedrive_id,
        column_name,
        source_value,
        destination_value,
        on_update,
        is_personal,
        shape,
        case
            -- where we claim nothing, what people or defaults put there is theirs
            when source_value is null then coalesce(on_update = 'fill_empty', false)
            else coalesce(
                {{ comparable('shape', 'column_name', 'source_value') }}
                = {{ comparable('shape', 'column_name', 'destination_value') }},
                false
            )
        end as is_equal
    from differing
),

-- the costly forms, equal to a person, are made only for what still differs
normalised as (
    select
        entity,
        source_key,
        pipedrive_id,
        column_name,
        on_update,
        is_personal,
        shape,
        source_value ->> '$' as source_text,
        destination_value ->> '$' as destination_text,
        {{ readable('shape', 'column_name', 'source_value') }} as source_loose,
        {{ readable('shape', 'column_name', 'destination_value') }}
            as destination_loose
    from exactly
    where not is_equal
),

situated as (
    select
        normalised.entity,
        normalised.source_key,
        normalised.pipedrive_id,
        normalised.column_name,
        normalised.on_update,
        normalised.is_personal,
        normalised.shape,
        normalised.source_text,
        normalised.destination_text,
        normalised.source_loose,
        normalised.destination_loose,
        matched.is_adopted,
        matched.is_touched_since,
        left_to_people.source_key is not null as is_left_to_people,
        decisions.source_key is not null
        and (normalised.on_update is distinct from 'never_raise') as is_decided,
        coalesce(
            json_extract_string(
                matched.hashes_sent, '$.' || normalised.column_name
            )
            <> json_extract_string(
                matched.field_hashes, '$.' || normalised.column_name
            ),
            false
        ) as is_changed_at_source,
        coalesce(
            list_contains(matched.changed_fields, normalised.column_name), false
        ) as is_planned,
        rank_here.rank as source_rank,
        rank_there.rank as destination_rank
    from normalised
    inner join matched
        on
            normalised.entity = matched.entity
            and normalised.source_key = matched.source_key
    left join left_to_people
        on
            normalised.entity = left_to_people.entity
            and normalised.source_key = left_to_people.source_key
            and normalised.column_name = left_to_people.column_name
    left join decisions
        on
            normalised.entity = decisions.entity
            and normalised.source_key = decisions.source_key
            and normalised.column_name = decisions.column_name
    left join option_ranks as rank_here
        on
            normalised.entity = rank_here.entity
            and normalised.column_name = rank_here.column_name
            and normalised.source_text = rank_here.option_label
            and normalised.on_update = 'never_raise'
    left join option_ranks as rank_there
        on
            normalised.entity = rank_there.entity
            and normalised.column_name = rank_there.column_name
            and normalised.destination_text = rank_there.option_label
            and normalised.on_update = 'never_raise'
),

judged as (
    select
        entity,
        source_key,
        pipedrive_id,
        column_name,
        source_text,
        destination_text,
        is_personal,
        is_touched_since,
        coalesce(destination_rank > source_rank, false) as is_raised,
        case
            when (source_loose is not distinct from destination_loose)
                then 'normalised_equal'
            when destination_rank > source_rank
                then if(is_changed_at_source, 'not_sent_yet', 'different')
            when is_planned then 'not_sent_yet'
            when is_decided then 'kept'
            when is_left_to_people then 'edited_since'
            when is_adopted and destination_text is not null then 'kept'
            when
                is_changed_at_source
                and on_update in ('set_once', 'fill_empty', 'with_others')
                then 'kept'
            when is_changed_at_source and not is_touched_since then 'not_sent_yet'
            when destination_text is null then 'missing'
            when source_text is null then 'extra'
            when shape = 'parent' then 'wrong_parent'
            when
                shape in ('labels', 'contacts')
                and list_has_all(
                    string_split(destination_loose, chr(31)),
                    string_split(source_loose, chr(31))
                )
                then 'extra'
            when
                shape in ('text', 'html')
                and length(destination_loose) < length(source_loose)
                and starts_with(source_loose, destination_loose)
                then 'truncated'
            when is_touched_since then 'edited_since'
            else 'different'
        end as verdict
    from situated
),

united as (
    select
        entity,
        source_key,
        pipedrive_id,
        column_name,
        verdict,
        is_raised,
        is_touched_since,
        case
            when verdict in ('equal', 'normalised_equal') then null
            else {{ masked_if('is_personal', 'source_text') }}
        end as source_value,
        case
            when verdict in ('equal', 'normalised_equal') then null
            else {{ masked_if('is_personal', 'destination_text') }}
        end as destination_value
    from judged
    union all
    select
        entity,
        source_key,
        pipedrive_id,
        column_name,
        'equal' as verdict,
        false as is_raised,
        false as is_touched_since,
        null as source_value,
        null as destination_value
    from exactly
    where is_equal
    union all
    select
        entity,
        source_key,
        pipedrive_id,
        column_name,
        'equal' as verdict,
        false as is_raised,
        false as is_touched_since,
        null as source_value,
        null as destination_value
    from side_by_side
    where source_value is not distinct from destination_value
)

select * from united
