{#-
    CTEs positioned .. costed: order of sending, tokens by the cheaper of single and
    bulk calls, risk. `guard_cost` is one reading of a record's change log (load/guard.py).
-#}
{% macro plan_costs(entity, write_cost, bulk_by, guard_cost=20) -%}
{%- set bulk_order = "explained.payload ->> '" ~ bulk_by
    ~ "' nulls last, length(explained.source_key), " if bulk_by else '' -%}
positioned as (
    select
        '{{ entity }}' as entity,
        explained.source_key,
        coalesce(waves.wave, 1) as wave,
        row_number() over (
            order by
                {{ bulk_order }}explained.source_key
        ) as position,
        explained.action,
        explained.reason,
        explained.old_hash,
        explained.new_hash,
        explained.changed_fields,
        explained.payload,
        explained.field_hashes,
        explained.pipedrive_id,
        explained.parents,
        coalesce(decisions_gathered.take_ours, []) as take_ours,
        coalesce(decisions_gathered.keep_theirs, []) as keep_theirs,
        coalesce(fields_gathered.is_guarded, false) as is_guarded
    from explained
    left join waves
        on explained.source_key = waves.source_key
    left join decisions_gathered
        on explained.source_key = decisions_gathered.source_key
    left join fields_gathered
        on explained.source_key = fields_gathered.source_key
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
        take_ours,
        keep_theirs,
        is_guarded,
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
        take_ours,
        keep_theirs,
        is_guarded,
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
        take_ours,
        keep_theirs,
        cast(
            case
                -- five lines cost as much in one bulk call as one by one
                when action = 'create' and chunk_size >= 5
                    then if(place_in_chunk = 1, 25, 0)
                -- archiving is a call of its own
                when
                    action = 'create'
                    and coalesce(payload ->> 'is_archived', 'false') = 'true'
                    then {{ write_cost }} + 5
                when
                    action = 'update'
                    and len(changed_fields) > 1
                    and list_contains(changed_fields, 'is_archived')
                    then {{ write_cost }} + 5
                when
                    action in ('create', 'update')
                    or (action = 'adopt' and len(changed_fields) > 0)
                    then
                        {{ write_cost }}
                        + if(is_guarded and action <> 'create', {{ guard_cost }}, 0)
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
{%- endmacro %}
