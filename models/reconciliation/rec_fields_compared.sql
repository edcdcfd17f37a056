-- Every field of every record that is there, source beside destination, with a verdict.
-- One row per entity, source_key and column that has a value on either side. Values
-- stand only where the sides differ, and never where they are personal.

with

planned as (select * from {{ ref('plan_records') }}),

id_map as (select * from {{ ref('stg_ledger__id_map') }}),

matched as (select * from {{ ref('rec_records_matched') }}),

paired as (select * from {{ ref('rec_fields_paired') }}),

catalogue as (select * from {{ ref('fields') }}),

option_ranks as (select * from {{ ref('field_options') }}),

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

differing as (
    select
        paired.entity,
        paired.source_key,
        paired.pipedrive_id,
        paired.column_name,
        paired.source_value,
        paired.destination_value,
        catalogue.on_update,
        catalogue.is_personal,
        case
            when paired.column_name like '%\_\_source\_key' escape '\'
                then 'parent'
            when
                catalogue.field_type = 'double'
                or paired.column_name in (
                    'value', 'item_price', 'quantity', 'discount', 'tax', 'owner_id',
                    'visible_to'
                )
                then 'number'
            when catalogue.field_type = 'monetary' then 'money'
            when
                catalogue.field_type = 'set'
                or paired.column_name = 'label_names'
                then 'labels'
            when paired.column_name in ('emails', 'phones') then 'contacts'
            when
                catalogue.field_type = 'address'
                or paired.column_name = 'address'
                then 'address'
            when paired.column_name = 'prices' then 'prices'
            when
                catalogue.field_type = 'date'
                or paired.column_name like '%\_time' escape '\'
                then 'time'
            when paired.column_name = 'content' then 'html'
            else 'text'
        end as shape
    from paired
    left join catalogue
        on
            paired.entity = catalogue.entity
            and paired.column_name = catalogue.column_name
    where not paired.is_same
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
                id_map.field_hashes, '$.' || normalised.column_name
            )
            <> json_extract_string(
                planned.field_hashes, '$.' || normalised.column_name
            ),
            false
        ) as is_changed_at_source,
        coalesce(
            list_contains(planned.changed_fields, normalised.column_name), false
        ) as is_planned,
        rank_here.rank as source_rank,
        rank_there.rank as destination_rank
    from normalised
    inner join matched
        on
            normalised.entity = matched.entity
            and normalised.source_key = matched.source_key
    inner join planned
        on
            normalised.entity = planned.entity
            and normalised.source_key = planned.source_key
    left join id_map
        on
            normalised.entity = id_map.entity
            and normalised.source_key = id_map.source_key
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
    from paired
    where is_same
)

select * from united
