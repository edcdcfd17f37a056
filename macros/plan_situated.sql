{#-
    CTEs parents_followed .. situated: everything that is to stand in the destination beside
    what ledger and destination know. What is sent stays in `contents`, because it is
    wide; from `situated` on, rows are narrow.
-#}
{% macro plan_situated(planned_parent_keys, is_kept_apart) -%}
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
            mart_rows.source_key,
            unnest(
                cast([{{ planned_parent_keys | join(', ') }}] as varchar [])
            ) as parent_key
        from mart_rows
    ) as unnested
    left join parent_rows
        on unnested.parent_key = parent_rows.source_key
    where unnested.parent_key is not null
    group by unnested.source_key
),

contents as {{ 'not materialized' if is_kept_apart }} (
    select
        payload_rows.source_key,
        payload_rows.payload,
        payload_rows.field_hashes,
        payload_rows.payload_hash as new_hash,
        payload_rows.parents,
        payload_rows.bulk_key,
        payload_rows.is_archived
    from payload_rows
    left join quarantined_rows
        on payload_rows.source_key = quarantined_rows.source_key
    where quarantined_rows.source_key is null
    union all
    -- kept, and flagged by a few columns: the others stay as they were last sent
    select
        source_key,
        payload,
        field_hashes,
        md5(cast(payload as varchar)) as new_hash,
        [] as parents,
        null as bulk_key,
        false as is_archived
    from withdrawn_rows
    where payload is not null
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

-- consent is no matter of a decision about fields: it has evidence or it doesn't
decisions_allowed as (
    select
        decisions.source_key,
        decisions.column_name,
        decisions.decision
    from decisions
    left join catalogue
        on decisions.column_name = catalogue.column_name
    where catalogue.on_update is distinct from 'never_raise'
),

decisions_gathered as (
    select
        source_key,
        list(column_name order by column_name)
            filter (where decision = 'take_ours') as take_ours,
        list(column_name order by column_name)
            filter (where decision = 'keep_theirs') as keep_theirs
    from decisions_allowed
    group by source_key
),

situated as (
    select
        contents.source_key,
        contents.parents,
        contents.bulk_key,
        contents.is_archived,
        contents.new_hash,
        decisions_gathered.take_ours is not null as is_decided_for_us,
        id_map.state,
        -- columns that were kept as people have them are looked at again in every plan
        if(
            id_map.reason_code = 'edited by others', null, id_map.payload_hash
        ) as old_hash,
        id_map.field_hashes as old_field_hashes,
        id_map.reason_code,
        -- written, not archived yet, and nothing of it waits for a human
        coalesce(
            contents.is_archived
            and id_map.state = 'confirmed'
            and id_map.origin = 'created'
            and coalesce(id_map.reason_code, 'not archived') = 'not archived',
            false
        ) as is_to_archive,
        coalesce(parents_followed.has_quarantined_parent, false)
            as has_quarantined_parent,
        coalesce(parents_followed.has_absent_parent, false) as has_absent_parent,
        -- what is there already goes on: an opt-out waits for nothing
        if(
            id_map.pipedrive_id is null
            and coalesce(id_map.state, 'new') not in ('intent', 'ambiguous'),
            coalesce(
                held_rows.reason,
                if(matched_rows.is_adopted, null, matched_rows.reason)
            ),
            null
        ) as held_reason,
        coalesce(
            destination_by_key.record_count, if(matched_rows.is_adopted, 1, 0)
        ) as record_count,
        coalesce(
            id_map.pipedrive_id,
            destination_by_key.pipedrive_id,
            matched_rows.pipedrive_id
        ) as pipedrive_id,
        if(matched_rows.is_adopted, matched_rows.reason, null) as match_reason,
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
    from contents
    left join id_map
        on contents.source_key = id_map.source_key
    left join destination_by_key
        on contents.source_key = destination_by_key.source_key
    left join destination_records
        on id_map.pipedrive_id = destination_records.pipedrive_id
    left join parents_followed
        on contents.source_key = parents_followed.source_key
    left join held_rows
        on contents.source_key = held_rows.source_key
    left join matched_rows
        on contents.source_key = matched_rows.source_key
    left join decisions_gathered
        on contents.source_key = decisions_gathered.source_key
    cross join last_readback
)
{%- endmacro %}
