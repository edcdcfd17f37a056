{#-
    CTEs gathered .. explained: one action and one reason per row. The order of the
    cases in `decided` is the rule. Where an entity holds consent, a record that is
    there goes on without its parent: an opt-out waits for nothing.
-#}
{% macro plan_actions(holds_consent) -%}
gathered as (
    select
        situated.source_key,
        situated.parents,
        situated.bulk_key,
        situated.is_archived,
        situated.new_hash,
        situated.old_hash,
        situated.state,
        situated.reason_code,
        situated.has_quarantined_parent,
        situated.has_absent_parent,
        coalesce(situated.state = 'confirmed', false) and {{ holds_consent }} as goes_on,
        situated.held_reason,
        situated.is_deleted_since,
        situated.record_count,
        situated.match_reason,
        situated.pipedrive_id,
        situated.is_in_ledger,
        if(
            situated.is_to_archive,
            list_distinct(
                list_append(
                    coalesce(fields_gathered.changed_fields, []), 'is_archived'
                )
            ),
            coalesce(fields_gathered.changed_fields, [])
        ) as changed_fields,
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
            when
                state = 'confirmed'
                and new_hash = old_hash
                and len(changed_fields) = 0
                then 'skip'
            when state = 'confirmed' and reason_code = 'archived' then 'conflict'
            when has_quarantined_parent and not goes_on then 'quarantine'
            when state = 'quarantined' and new_hash = old_hash then 'quarantine'
            when held_reason is not null or (has_absent_parent and not goes_on)
                then 'waiting'
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
            when action = 'skip' and new_hash = old_hash then 'unchanged'
            when action = 'conflict' and reason_code = 'archived' then 'archived'
            when action = 'quarantine' and has_quarantined_parent then 'parent'
            when action = 'quarantine' then reason_code
            when action = 'waiting' then coalesce(held_reason, 'parent')
            when action = 'update' then coalesce('changed; ' || conflict, 'changed')
            when action = 'conflict' and is_in_ledger then conflict
            when action = 'conflict' then 'key_on_several_records'
            when action = 'skip' then 'kept_by_policy'
            when action = 'adopt' then coalesce(match_reason, 'key_found')
            when state in ('intent', 'ambiguous') then 'outcome_unknown'
            when state = 'removed' then 'removed_before'
            when state = 'quarantined' then 'changed_after_rejection'
            else 'new'
        end as reason,
        old_hash,
        new_hash,
        case when action in ('update', 'adopt') then changed_fields else [] end
            as changed_fields,
        case
            when action not in ('create', 'quarantine', 'waiting')
                and not (action = 'conflict' and record_count > 1 and not is_in_ledger)
                and not (action = 'conflict' and reason = 'deleted_in_destination')
                then pipedrive_id
        end as pipedrive_id,
        parents,
        bulk_key,
        is_archived
    from decided
    union all
    select
        source_key,
        'quarantine' as action,
        rule as reason,
        null as old_hash,
        null as new_hash,
        [] as changed_fields,
        null as pipedrive_id,
        [] as parents,
        null as bulk_key,
        false as is_archived
    from quarantined_rows
    union all
    select
        withdrawn_rows.source_key,
        'skip' as action,
        'withdrawn: ' || withdrawn_rows.why as reason,
        null as old_hash,
        null as new_hash,
        [] as changed_fields,
        withdrawn_rows.pipedrive_id,
        [] as parents,
        null as bulk_key,
        false as is_archived
    from withdrawn_rows
    where withdrawn_rows.payload is null
)
{%- endmacro %}
