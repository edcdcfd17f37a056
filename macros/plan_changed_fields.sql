{#-
    CTEs to_compare .. fields_gathered: which fields of a record that is there are to be
    sent, by their write policies.
-#}
{% macro plan_changed_fields(mart) -%}
-- field by field only where something may have to be written to a record that exists
to_compare as (
    select
        situated.source_key,
        situated.pipedrive_id,
        situated.is_in_ledger,
        situated.is_read_since,
        contents.field_hashes,
        situated.old_field_hashes
    from situated
    inner join contents
        on situated.source_key = contents.source_key
    where
        situated.pipedrive_id is not null
        and (
            (situated.new_hash is distinct from situated.old_hash)
            or situated.is_decided_for_us
        )
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

lowest_ranks as (
    select
        column_name,
        min(rank) as rank
    from option_ranks
    group by column_name
),

fields_compared as (
    select
        fields_listed.source_key,
        fields_listed.column_name,
        fields_listed.is_in_ledger,
        fields_listed.is_known,
        fields_listed.hash_now,
        catalogue.on_update,
        coalesce(
            catalogue.kind = 'native'
            and catalogue.on_update <> 'merge_set'
            and not ends_with(catalogue.column_name, '__source_key')
            and catalogue.column_name <> 'prices',
            false
        ) as is_lasting,
        -- a column that is new to the mart was never sent
        coalesce(
            fields_listed.hashes_sent[fields_listed.column_name], md5('null')
        ) as hash_sent,
        fields_listed.hashes_sent[fields_listed.column_name] is null as is_new_column,
        json_extract_string(
            destination_hashes.hashes_there, '$.' || fields_listed.column_name
        ) as hash_there,
        destination_values.value is not null as is_filled_there,
        decisions_allowed.decision,
        option_now.rank as rank_now,
        lowest_ranks.rank as rank_lowest,
        case
            when fields_listed.is_known then option_there.rank
            else option_sent.rank
        end as rank_before
    from fields_listed
    left join catalogue
        on fields_listed.column_name = catalogue.column_name
    left join decisions_allowed
        on
            fields_listed.source_key = decisions_allowed.source_key
            and fields_listed.column_name = decisions_allowed.column_name
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
    left join lowest_ranks
        on fields_listed.column_name = lowest_ranks.column_name
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
        -- another value than the lowest could write over an opt-out that comes meanwhile
        on_update = 'never_raise'
        and (rank_now is null or rank_now > rank_lowest) as may_raise,
        case
            -- found, not made by us: filled where empty, never overwritten
            when not is_in_ledger
                then case
                    when hash_now <> md5('null') and not is_filled_there
                        then 'send'
                    else 'keep'
                end
            when
                decision = 'take_ours'
                and is_known
                and (hash_there is distinct from hash_now)
                then 'send'
            when hash_now = hash_sent then 'keep'
            -- the API takes no null for them: they leave with others or stay
            when is_lasting and hash_now = md5('null') then 'accompany'
            when on_update = 'never_raise'
                then case
                    when rank_now > rank_before then 'consent_rise'
                    else 'send'
                end
            when on_update in ('merge_set', 'source_always') then 'send'
            when on_update = 'set_once' then 'keep'
            -- a default of the server, or what somebody filled in first, is not ours
            when on_update = 'fill_empty' and hash_sent = md5('null')
                then if(is_known and is_filled_there, 'keep', 'send')
            when on_update = 'fill_empty' and is_known and not is_filled_there
                then 'send'
            -- the time of a snapshot is no change by itself, unless the column is new
            when on_update = 'with_others' and not is_new_column then 'accompany'
            when
                is_known
                and (hash_there is distinct from hash_sent)
                and (hash_there is distinct from hash_now)
                then if(
                    decision = 'keep_theirs', 'keep', 'edited_in_destination'
                )
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
            filter (where decision = 'consent_rise') as raised_fields,
        coalesce(bool_or(may_raise and decision = 'send'), false) as is_guarded
    from fields_decided
    group by source_key
)
{%- endmacro %}
