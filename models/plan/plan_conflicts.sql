-- What the plan leaves to people: a field that both sides changed, a consent that would
-- rise, a record that somebody deleted or doubled. One row per entity, source_key and
-- column; the column is null where the whole record is concerned.

with

planned as (
    select * from {{ ref('plan_records') }}
    where action in ('update', 'conflict')
),

destination_values as (select * from {{ ref('plan_destination_values') }}),

catalogue as (select * from {{ ref('fields') }}),

-- the reason names its columns: `changed; consent_rise: a, b; edited_in_destination: c`
reasons as (
    select
        entity,
        source_key,
        pipedrive_id,
        payload,
        unnest(string_split(reason, '; ')) as reason
    from planned
),

columns_named as (
    select
        entity,
        source_key,
        pipedrive_id,
        payload,
        split_part(reason, ': ', 1) as problem,
        nullif(unnest(string_split(split_part(reason, ': ', 2), ', ')), '')
            as column_name
    from reasons
    where reason <> 'changed'
),

valued as (
    select
        columns_named.entity,
        columns_named.source_key,
        columns_named.pipedrive_id,
        columns_named.problem,
        columns_named.column_name,
        catalogue.field_name,
        catalogue.is_personal,
        json_extract_string(
            columns_named.payload, '$.' || columns_named.column_name
        ) as source_text,
        destination_values.value ->> '$' as destination_text
    from columns_named
    left join catalogue
        on
            columns_named.entity = catalogue.entity
            and columns_named.column_name = catalogue.column_name
    left join destination_values
        on
            columns_named.entity = destination_values.entity
            and columns_named.pipedrive_id = destination_values.pipedrive_id
            and columns_named.column_name = destination_values.column_name
),

explained as (
    select
        entity,
        source_key,
        pipedrive_id,
        problem,
        column_name,
        field_name,
        {{ masked_if('is_personal', 'source_text') }} as source_value,
        {{ masked_if('is_personal', 'destination_text') }} as destination_value,
        case problem
            when 'edited_in_destination'
                then
                    'decide in seeds/decisions/field_decisions.csv: keep_theirs or '
                    || 'take_ours'
            when 'consent_rise'
                then 'leave it, or record the evidence and an approval'
            when 'deleted_in_destination'
                then
                    'if it was deleted on purpose, leave it; else restore it in '
                    || 'Pipedrive within 30 days'
            else 'keep one of the records and delete the others'
        end as what_to_do
    from valued
)

select * from explained
