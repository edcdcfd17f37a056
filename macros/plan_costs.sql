{#-
    CTEs positioned .. costed: order of sending, tokens by the cheaper of single and
    bulk calls, risk. `guard_cost` is one reading of a record's change log (load/guard.py).
-#}
{% macro plan_costs(entity, write_cost, bulk_by, guard_cost=20) -%}
positioned as (
    select
        '{{ entity }}' as entity,
        explained.source_key,
        coalesce(waves.wave, 1) as wave,
        row_number() over (
            order by
                {% if bulk_by -%}
                explained.bulk_key nulls last, length(explained.source_key),
                {% endif -%}
                explained.source_key
        ) as position,
        explained.action,
        explained.reason,
        explained.old_hash,
        explained.new_hash,
        explained.changed_fields,
        explained.pipedrive_id,
        explained.parents,
        explained.bulk_key,
        explained.is_archived,
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

{% if bulk_by -%}
grouped as (
    select
        *,
        row_number() over bulk - 1 as place,
        count(*) over (
            bulk rows between unbounded preceding and unbounded following
        ) as group_size
    from positioned
    window bulk as (partition by action, bulk_key order by position)
),

-- a bulk call takes 100
sized as (
    select
        *,
        least(group_size - place // 100 * 100, 100) as chunk_size,
        place % 100 = 0 as is_first_of_chunk
    from grouped
),

{% endif -%}
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
        pipedrive_id,
        parents,
        take_ours,
        keep_theirs,
        cast(
            case
                {% if bulk_by -%}
                -- five lines cost as much in one bulk call as one by one
                when action = 'create' and chunk_size >= 5
                    then if(is_first_of_chunk, 25, 0)
                {% endif -%}
                -- archiving is a call of its own
                when action = 'create' and is_archived
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
        if(is_archived, 'irreversible', 'reversible') as risk
    from {{ 'sized' if bulk_by else 'positioned' }}
)
{%- endmacro %}
