{#-
    One row per intended call for one entity: the rules of planning, the same for all.

    mart        the mart whose rows are to stand in the destination
    quarantine  the model with the rows that must not load, if the entity has one
    parents     parent column -> plan model of the parent (null: always there)
    write_cost  tokens of one create or update
    bulk_by     parent column by which creates travel together, 25 tokens per 100

    The order of the rules is the order of the case expression in `decided`.
-#}
{% macro plan_rows(
    entity, mart, quarantine=none, parents={}, write_cost=5, bulk_by=none
) -%}
{%- set bulk_order = "payload ->> '" ~ bulk_by ~ "' nulls last, length(source_key), "
    if bulk_by else '' -%}
    {%- set parent_keys = [] -%}
    {%- set planned_parent_keys = [] -%}
    {%- for column, model in parents.items() -%}
        {%- do parent_keys.append('mart_rows.' ~ column) -%}
        {%- if model -%}
            {%- do planned_parent_keys.append('mart_rows.' ~ column) -%}
        {%- endif -%}
    {%- endfor -%}
with

mart_rows as (select * from {{ ref(mart) }}),

quarantined_rows as (
    {% if quarantine -%}
    select
        source_key,
        coalesce(min(rule), 'unnamed rule') as rule
    from {{ ref(quarantine) }}
    where source_key is not null
    group by source_key
    {%- else -%}
    select
        cast(null as varchar) as source_key,
        cast(null as varchar) as rule
    where false
    {%- endif %}
),

id_map as (
    select * from {{ ref('stg_ledger__id_map') }}
    where entity = '{{ entity }}'
),

destination_records as (
    select * from {{ ref('plan_destination_records') }}
    where entity = '{{ entity }}'
),

destination_values as (
    select * from {{ ref('plan_destination_values') }}
    where entity = '{{ entity }}'
),

readbacks as (select * from {{ ref('stg_pipedrive__readbacks') }}),

catalogue as (
    select * from {{ ref('fields') }}
    where entity = '{{ entity }}'
),

option_ranks as (
    select * from {{ ref('field_options') }}
    where entity = '{{ entity }}'
),

parent_rows as (
    {%- for model in parents.values() if model %}
    select
        source_key,
        action,
        reason,
        pipedrive_id
    from {{ ref(model) }}
    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        cast(null as varchar) as source_key,
        cast(null as varchar) as action,
        cast(null as varchar) as reason,
        cast(null as bigint) as pipedrive_id
    where false
    {%- endfor %}
),

described as (
    select
        mart_rows.source_key,
        {{ payload(mart, 'mart_rows') }} as payload,
        {{ field_hashes(mart, 'mart_rows') }} as field_hashes,
        list_filter(
            cast([{{ parent_keys | join(', ') }}] as varchar []),
            lambda x: x is not null
        ) as parents,
        list_filter(
            cast([{{ planned_parent_keys | join(', ') }}] as varchar []),
            lambda x: x is not null
        ) as planned_parents
    from mart_rows
    left join quarantined_rows
        on mart_rows.source_key = quarantined_rows.source_key
    where quarantined_rows.source_key is null
),

hashed as (
    select
        source_key,
        payload,
        field_hashes,
        parents,
        planned_parents,
        md5(cast(payload as varchar)) as new_hash
    from described
),

parents_followed as (
    select
        unnested.source_key,
        bool_or(coalesce(parent_rows.action = 'quarantine', false))
            as has_quarantined_parent,
        bool_or(
            parent_rows.source_key is null
            or parent_rows.action = 'waiting'
            or (parent_rows.action = 'conflict' and parent_rows.pipedrive_id is null)
        ) as has_absent_parent
    from (
        select
            source_key,
            unnest(planned_parents) as parent_key
        from hashed
    ) as unnested
    left join parent_rows
        on unnested.parent_key = parent_rows.source_key
    group by unnested.source_key
),

destination_by_key as (
    select
        source_key,
        count(*) as record_count,
        min(pipedrive_id) as pipedrive_id,
        max(fetched_at) as fetched_at
    from destination_records
    where source_key is not null
    group by source_key
),

last_readback as (
    select max(started_at) as started_at
    from readbacks
),

situated as (
    select
        hashed.source_key,
        hashed.payload,
        hashed.field_hashes,
        hashed.parents,
        hashed.new_hash,
        id_map.state,
        id_map.payload_hash as old_hash,
        id_map.field_hashes as old_field_hashes,
        id_map.reason_code,
        coalesce(parents_followed.has_quarantined_parent, false)
            as has_quarantined_parent,
        coalesce(parents_followed.has_absent_parent, false) as has_absent_parent,
        coalesce(destination_by_key.record_count, 0) as record_count,
        coalesce(id_map.pipedrive_id, destination_by_key.pipedrive_id)
            as pipedrive_id,
        id_map.pipedrive_id is not null as is_in_ledger,
        -- what was read before our last write says nothing about people's edits
        coalesce(
            destination_records.fetched_at >= id_map.updated_at, false
        ) as is_read_since,
        coalesce(
            id_map.state = 'confirmed'
            and destination_records.pipedrive_id is null
            and last_readback.started_at > id_map.updated_at,
            false
        ) as is_deleted_since
    from hashed
    left join id_map
        on hashed.source_key = id_map.source_key
    left join destination_by_key
        on hashed.source_key = destination_by_key.source_key
    left join destination_records
        on id_map.pipedrive_id = destination_records.pipedrive_id
    left join parents_followed
        on hashed.source_key = parents_followed.source_key
    cross join last_readback
),

-- field by field only where something may have to be written to a record that exists
to_compare as (
    select
        source_key,
        pipedrive_id,
        is_in_ledger,
        is_read_since,
        field_hashes,
        old_field_hashes
    from situated
    where
        pipedrive_id is not null
        and new_hash is distinct from old_hash
),

destination_objects as (
    select
        destination_values.pipedrive_id,
        try_cast(
            json_group_object(
                destination_values.column_name, destination_values.value
            ) as {{ mart_struct_type(mart) }}
        ) as logical_record
    from destination_values
    inner join to_compare
        on destination_values.pipedrive_id = to_compare.pipedrive_id
    group by destination_values.pipedrive_id
),

destination_hashes as (
    select
        pipedrive_id,
        {{ field_hashes(mart, 'logical_record') }} as hashes_there
    from destination_objects
),

fields_listed as (
    select
        to_compare.source_key,
        to_compare.pipedrive_id,
        to_compare.is_in_ledger,
        to_compare.is_read_since or not to_compare.is_in_ledger as is_known,
        unnest(
            map_keys(cast(to_compare.field_hashes as map(varchar, varchar)))
        ) as column_name,
        unnest(
            map_values(cast(to_compare.field_hashes as map(varchar, varchar)))
        ) as hash_now,
        cast(to_compare.old_field_hashes as map(varchar, varchar)) as hashes_sent
    from to_compare
),

fields_compared as (
    select
        fields_listed.source_key,
        fields_listed.column_name,
        fields_listed.is_in_ledger,
        fields_listed.is_known,
        fields_listed.hash_now,
        catalogue.on_update,
        -- a column that is new to the mart was never sent
        coalesce(
            fields_listed.hashes_sent[fields_listed.column_name], md5('null')
        ) as hash_sent,
        json_extract_string(
            destination_hashes.hashes_there, '$.' || fields_listed.column_name
        ) as hash_there,
        destination_values.value is not null as is_filled_there,
        option_now.rank as rank_now,
        case
            when fields_listed.is_known then option_there.rank
            else option_sent.rank
        end as rank_before
    from fields_listed
    left join catalogue
        on fields_listed.column_name = catalogue.column_name
    left join destination_hashes
        on fields_listed.pipedrive_id = destination_hashes.pipedrive_id
    left join destination_values
        on
            fields_listed.pipedrive_id = destination_values.pipedrive_id
            and fields_listed.column_name = destination_values.column_name
    left join option_ranks as option_now
        on
            fields_listed.column_name = option_now.column_name
            and fields_listed.hash_now
            = md5(cast(to_json(option_now.option_label) as varchar))
    left join option_ranks as option_there
        on
            fields_listed.column_name = option_there.column_name
            and (destination_values.value ->> '$') = option_there.option_label
    left join option_ranks as option_sent
        on
            fields_listed.column_name = option_sent.column_name
            and fields_listed.hashes_sent[fields_listed.column_name]
            = md5(cast(to_json(option_sent.option_label) as varchar))
),

fields_decided as (
    select
        source_key,
        column_name,
        case
            -- found, not made by us: filled where empty, never overwritten
            when not is_in_ledger
                then case
                    when hash_now <> md5('null') and not is_filled_there
                        then 'send'
                    else 'keep'
                end
            when hash_now = hash_sent then 'keep'
            when on_update = 'never_raise'
                then case
                    when rank_now > rank_before then 'consent_rise'
                    else 'send'
                end
            when on_update = 'merge_set' then 'send'
            when on_update in ('set_once', 'fill_empty')
                then case
                    when hash_sent = md5('null') and not (is_known and is_filled_there)
                        then 'send'
                    else 'keep'
                end
            -- the time of a snapshot is no change by itself
            when on_update = 'with_others' then 'accompany'
            when
                is_known
                and (hash_there is distinct from hash_sent)
                and (hash_there is distinct from hash_now)
                then 'edited_in_destination'
            else 'send'
        end as decision
    from fields_compared
),

fields_gathered as (
    select
        source_key,
        if(
            bool_or(decision = 'send'),
            list(column_name order by column_name)
                filter (where decision in ('send', 'accompany')),
            []
        ) as changed_fields,
        string_agg(column_name, ', ' order by column_name)
            filter (where decision = 'edited_in_destination') as edited_fields,
        string_agg(column_name, ', ' order by column_name)
            filter (where decision = 'consent_rise') as raised_fields
    from fields_decided
    group by source_key
),

gathered as (
    select
        situated.source_key,
        situated.payload,
        situated.field_hashes,
        situated.parents,
        situated.new_hash,
        situated.old_hash,
        situated.state,
        situated.reason_code,
        situated.has_quarantined_parent,
        situated.has_absent_parent,
        situated.is_deleted_since,
        situated.record_count,
        situated.pipedrive_id,
        situated.is_in_ledger,
        coalesce(fields_gathered.changed_fields, []) as changed_fields,
        nullif(
            concat_ws(
                '; ',
                'consent_rise: ' || fields_gathered.raised_fields,
                'edited_in_destination: ' || fields_gathered.edited_fields
            ),
            ''
        ) as conflict
    from situated
    left join fields_gathered
        on situated.source_key = fields_gathered.source_key
),

decided as (
    select
        *,
        case
            when state = 'gone' or is_deleted_since then 'conflict'
            when state = 'confirmed' and new_hash = old_hash then 'skip'
            when has_quarantined_parent then 'quarantine'
            when state = 'quarantined' and new_hash = old_hash then 'quarantine'
            when has_absent_parent then 'waiting'
            when is_in_ledger and state <> 'removed'
                then case
                    when len(changed_fields) > 0 then 'update'
                    when conflict is not null then 'conflict'
                    else 'skip'
                end
            -- an open intent is settled by the loader before it sends anything
            when state in ('intent', 'ambiguous') then 'create'
            when record_count > 1 then 'conflict'
            when record_count = 1 then 'adopt'
            else 'create'
        end as action
    from gathered
),

explained as (
    select
        source_key,
        action,
        case
            when state = 'gone' or is_deleted_since then 'deleted_in_destination'
            when state = 'confirmed' and new_hash = old_hash then 'unchanged'
            when action = 'quarantine' and has_quarantined_parent then 'parent'
            when action = 'quarantine' then reason_code
            when action = 'waiting' then 'parent'
            when action = 'update' then coalesce('changed; ' || conflict, 'changed')
            when action = 'conflict' and is_in_ledger then conflict
            when action = 'conflict' then 'key_on_several_records'
            when action = 'skip' then 'kept_by_policy'
            when action = 'adopt' then 'key_found'
            when state in ('intent', 'ambiguous') then 'outcome_unknown'
            when state = 'removed' then 'removed_before'
            when state = 'quarantined' then 'changed_after_rejection'
            else 'new'
        end as reason,
        old_hash,
        new_hash,
        case when action in ('update', 'adopt') then changed_fields else [] end
            as changed_fields,
        payload,
        field_hashes,
        case
            when action not in ('create', 'quarantine', 'waiting')
                and not (action = 'conflict' and record_count > 1 and not is_in_ledger)
                and not (action = 'conflict' and reason = 'deleted_in_destination')
                then pipedrive_id
        end as pipedrive_id,
        parents
    from decided
    union all
    select
        source_key,
        'quarantine' as action,
        rule as reason,
        null as old_hash,
        null as new_hash,
        [] as changed_fields,
        null as payload,
        null as field_hashes,
        null as pipedrive_id,
        [] as parents
    from quarantined_rows
),

positioned as (
    select
        '{{ entity }}' as entity,
        source_key,
        1 as wave,
        row_number() over (
            order by
                {{ bulk_order }}source_key
        ) as position,
        action,
        reason,
        old_hash,
        new_hash,
        changed_fields,
        payload,
        field_hashes,
        pipedrive_id,
        parents
    from explained
),

chunked as (
    select
        entity,
        source_key,
        wave,
        position,
        action,
        reason,
        old_hash,
        new_hash,
        changed_fields,
        payload,
        field_hashes,
        pipedrive_id,
        parents,
        {% if bulk_by -%}
        payload ->> '{{ bulk_by }}' as bulk_key,
        (
            row_number() over (
                partition by action, payload ->> '{{ bulk_by }}' order by position
            ) - 1
        ) // 100 as chunk
        {%- else -%}
        source_key as bulk_key,
        0 as chunk
    {%- endif %}
    from positioned
),

sized as (
    select
        entity,
        source_key,
        wave,
        position,
        action,
        reason,
        old_hash,
        new_hash,
        changed_fields,
        payload,
        field_hashes,
        pipedrive_id,
        parents,
        count(*) over (partition by action, bulk_key, chunk) as chunk_size,
        row_number() over (
            partition by action, bulk_key, chunk order by position
        ) as place_in_chunk
    from chunked
),

costed as (
    select
        entity,
        source_key,
        wave,
        position,
        action,
        reason,
        old_hash,
        new_hash,
        changed_fields,
        payload,
        field_hashes,
        pipedrive_id,
        parents,
        cast(
            case
                -- five lines cost as much in one bulk call as one by one
                when action = 'create' and chunk_size >= 5
                    then if(place_in_chunk = 1, 25, 0)
                when
                    action in ('create', 'update')
                    or (action = 'adopt' and len(changed_fields) > 0)
                    then {{ write_cost }}
                else 0
            end as integer
        ) as token_cost,
        -- the API can't edit an archived record any more
        if(
            coalesce(payload ->> 'is_archived', 'false') = 'true',
            'irreversible',
            'reversible'
        ) as risk
    from sized
)

select * from costed
{%- endmacro %}
