-- Everything that a person has to look at, worst first. One row per record, field and
-- problem. Personal values are masked.

with

-- a lost migration key is a finding of its own, for records of every kind
mismatches as (
    select * from {{ ref('rec_field_mismatches') }}
    where column_name <> 'migration_key__c' or verdict <> 'missing'
),

altered as (select * from {{ ref('rec_records_altered') }}),

missing as (select * from {{ ref('rec_missing') }}),

extra as (select * from {{ ref('rec_extra') }}),

planned as (select * from {{ ref('plan_records') }}),

id_map as (select * from {{ ref('stg_ledger__id_map') }}),

withdrawn as (
    select * from {{ ref('plan_withdrawn') }}
    where entity = 'person' and starts_with(why, 'merged into ')
),

consent_changes as (
    select * from {{ ref('plan_consent_changes') }}
    where direction = 'rise' and not is_sent
),

binding as (select * from {{ ref('stg_ledger__binding') }}),

files_to_attach as (
    select
        entity,
        source_key,
        max(pipedrive_id) as pipedrive_id,
        count(*) as file_count
    from {{ ref('rec_files_to_attach') }}
    group by entity, source_key
),

-- what concerns a record as a whole
records_concerned as (
    select
        entity,
        source_key,
        pipedrive_id,
        problem,
        what_to_do,
        'high' as severity
    from missing
    union all
    select
        entity,
        source_key,
        pipedrive_id,
        problem,
        what_to_do,
        'high' as severity
    from altered
    union all
    select
        entity,
        source_key,
        pipedrive_id,
        problem,
        what_to_do,
        'high' as severity
    from extra
    union all
    select
        entity,
        source_key,
        pipedrive_id,
        action || ': ' || reason as problem,
        case
            when action = 'quarantine'
                then 'settle the rule or its parent; see the quarantine'
            when reason like 'match_%'
                then
                    'may be in Pipedrive already: plan.plan_adoptions names the '
                    || 'record; write adopt or apart into adoption_decisions.csv'
            when action = 'waiting' then 'settle its parent first'
            else 'decide which side holds and correct the other'
        end as what_to_do,
        case action
            when 'quarantine' then 'medium'
            else 'low'
        end as severity
    from planned
    where action in ('quarantine', 'waiting', 'conflict')
    union all
    select
        entity,
        source_key,
        pipedrive_id,
        'outcome unknown' as problem,
        'run the closing sweep' as what_to_do,
        'high' as severity
    from id_map
    where state in ('intent', 'ambiguous')
    union all
    -- merged at the source after both were loaded: two persons stand for one
    select
        entity,
        source_key,
        pipedrive_id,
        why as problem,
        if(
            is_flagged,
            'the other one goes on; this one has lost consent and segments. Merge the '
            || 'two in Pipedrive only with the other one''s values, and empty its '
            || 'suppression after',
            'the other one goes on; this one keeps what it had: take its consent and '
            || 'segments away, or let policy deleted_at_source flag it'
        ) as what_to_do,
        if(is_flagged, 'low', 'high') as severity
    from withdrawn
    union all
    -- their names may be personal: the model that lists them has those
    select
        entity,
        source_key,
        pipedrive_id,
        file_count || ' files to look at' as problem,
        'reconciliation.rec_files_to_attach says which and why' as what_to_do,
        'low' as severity
    from files_to_attach
),

fields_concerned as (
    select
        entity,
        source_key,
        pipedrive_id,
        column_name,
        field_name,
        verdict as problem,
        source_value,
        destination_value,
        what_to_do,
        severity
    from mismatches
    union all
    select
        entity,
        source_key,
        null as pipedrive_id,
        column_name,
        null as field_name,
        'source raises consent' as problem,
        'masked' as source_value,
        'masked' as destination_value,
        'leave it, or record the evidence and an approval' as what_to_do,
        'medium' as severity
    from consent_changes
),

united as (
    select
        entity,
        source_key,
        pipedrive_id,
        column_name,
        field_name,
        problem,
        source_value,
        destination_value,
        what_to_do,
        severity
    from fields_concerned
    union all
    select
        entity,
        source_key,
        pipedrive_id,
        null as column_name,
        null as field_name,
        problem,
        null as source_value,
        null as destination_value,
        what_to_do,
        severity
    from records_concerned
),

-- lines, notes and files are looked at on the page of their deal
linked as (
    select
        united.entity,
        united.source_key,
        united.pipedrive_id,
        united.column_name,
        united.field_name,
        united.problem,
        united.source_value,
        united.destination_value,
        united.what_to_do,
        united.severity,
        {{ pipedrive_link(
            'binding.company_domain', 'united.entity', 'united.pipedrive_id',
            'deals.pipedrive_id'
        ) }} as pipedrive_link
    from united
    left join binding
        on true
    left join planned
        on
            united.entity = planned.entity
            and united.source_key = planned.source_key
            and planned.entity in ('deal_product', 'note', 'file')
    left join id_map as deals
        on
            deals.entity = 'deal'
            and (planned.payload ->> 'deal__source_key') = deals.source_key
)

select * from linked
order by
    array_position(['critical', 'high', 'medium', 'low'], severity),
    entity,
    source_key,
    column_name
