-- What the plan would do and cost, provisioning included.
-- One row per entity, action and reason.

with

planned as (select * from {{ ref('plan_records') }}),

fields as (
    select * from {{ ref('plan_fields') }}
    where field_type <> 'native'
),

field_options as (select * from {{ ref('plan_field_options') }}),

labels as (select * from {{ ref('plan_labels') }}),

pipelines as (select * from {{ ref('plan_pipelines') }}),

stages as (select * from {{ ref('plan_stages') }}),

field_codes as (select * from {{ ref('stg_ledger__field_codes') }}),

option_ids as (select * from {{ ref('stg_ledger__option_ids') }}),

id_map as (select * from {{ ref('stg_ledger__id_map') }}),

account_fields as (select * from {{ ref('stg_pipedrive__fields') }}),

account_options as (select * from {{ ref('stg_pipedrive__field_options') }}),

account_pipelines as (select * from {{ ref('stg_pipedrive__pipelines') }}),

account_stages as (select * from {{ ref('stg_pipedrive__stages') }}),

readings as (select * from {{ ref('plan_readings') }}),

orders_counted as (
    select count(*) as order_count from {{ ref('int_orders_dispositioned') }}
    where disposition = 'counted'
),

lines_written as (
    select coalesce(sum(line_count), 0) as line_count
    from {{ ref('int_order_lines_written') }}
),

facts_open as (
    select * from {{ ref('plan_facts_open') }}
    where strategy = '{{ decided_setting('order_strategy') }}'
),

decisions_open as (select * from {{ ref('disc_decisions_open') }}),

field_policies as (select * from {{ ref('disc_field_policies') }}),

fields_found as (
    select
        fields.entity,
        fields.column_name,
        bool_or(
            field_codes.field_code is not null or account_fields.field_code is not null
        ) as is_there
    from fields
    left join field_codes
        on
            fields.entity = field_codes.entity
            and fields.column_name = field_codes.column_name
    left join account_fields
        on
            fields.entity = account_fields.entity
            and fields.field_name = account_fields.field_name
            and account_fields.is_custom_field
    group by fields.entity, fields.column_name
),

options_found as (
    select
        field_options.entity,
        field_options.column_name,
        field_options.option_label,
        bool_or(fields_found.is_there) as is_field_there,
        bool_or(
            option_ids.option_id is not null or account_options.option_id is not null
        ) as is_there
    from field_options
    inner join fields_found
        on
            field_options.entity = fields_found.entity
            and field_options.column_name = fields_found.column_name
    inner join fields
        on
            field_options.entity = fields.entity
            and field_options.column_name = fields.column_name
    left join option_ids
        on
            field_options.entity = option_ids.entity
            and field_options.column_name = option_ids.column_name
            and field_options.option_label = option_ids.option_label
    left join account_options
        on
            field_options.entity = account_options.entity
            and fields.field_name = account_options.field_name
            and lower(field_options.option_label) = lower(account_options.option_label)
    group by
        field_options.entity, field_options.column_name, field_options.option_label
),

labels_found as (
    select
        labels.label_name,
        bool_or(
            option_ids.option_id is not null or account_options.option_id is not null
        ) as is_there
    from labels
    left join option_ids
        on
            labels.entity = option_ids.entity
            and option_ids.column_name in ('label_names', 'label_ids')
            and labels.label_name = option_ids.option_label
    left join account_options
        on
            labels.entity = account_options.entity
            and account_options.field_code = 'label_ids'
            and lower(labels.label_name) = lower(account_options.option_label)
    group by labels.label_name
),

pipelines_found as (
    select
        'pipeline' as entity,
        pipelines.source_key,
        bool_or(
            id_map.pipedrive_id is not null
            or account_pipelines.pipedrive_pipeline_id is not null
        ) as is_there
    from pipelines
    left join id_map
        on
            pipelines.source_key = id_map.source_key
            and id_map.entity = 'pipeline'
    left join account_pipelines
        on pipelines.name = account_pipelines.pipeline_name
    group by pipelines.source_key
),

stages_found as (
    select
        'stage' as entity,
        stages.source_key,
        bool_or(
            id_map.pipedrive_id is not null
            or account_stages.pipedrive_stage_id is not null
        ) as is_there
    from stages
    inner join pipelines
        on stages.pipeline__source_key = pipelines.source_key
    left join id_map
        on
            stages.source_key = id_map.source_key
            and id_map.entity = 'stage'
    left join account_pipelines
        on pipelines.name = account_pipelines.pipeline_name
    left join account_stages
        on
            account_pipelines.pipedrive_pipeline_id
            = account_stages.pipedrive_pipeline_id
            and stages.name = account_stages.stage_name
    group by stages.source_key
),

summed as (
    select
        entity,
        action,
        -- the columns that a reason names stay in the plan's own rows
        regexp_replace(reason, ': [^;]*', '', 'g') as reason,
        count(*) as rows,
        -- a deal that is archived takes a second call
        count_if(token_cost > 0)
        + count_if(entity = 'deal' and token_cost > 5) as calls,
        sum(token_cost) as tokens
    from planned
    group by entity, action, regexp_replace(reason, ': [^;]*', '', 'g')
    union all
    select
        'field' as entity,
        if(is_there, 'skip', 'create') as action,
        if(is_there, 'present', 'new') as reason,
        count(*) as rows,
        count_if(not is_there) as calls,
        5 * count_if(not is_there) as tokens
    from fields_found
    group by is_there
    union all
    -- options of a new field travel in its own call, others in one call per field
    select
        'option' as entity,
        if(is_there, 'skip', 'create') as action,
        case
            when is_there then 'present'
            when is_field_there then 'new'
            else 'with_its_field'
        end as reason,
        count(*) as rows,
        count(distinct entity || column_name)
        filter (where not is_there and is_field_there) as calls,
        5 * count(distinct entity || column_name)
        filter (where not is_there and is_field_there) as tokens
    from options_found
    group by is_there, is_field_there
    union all
    select
        'label' as entity,
        if(is_there, 'skip', 'create') as action,
        if(is_there, 'present', 'new') as reason,
        count(*) as rows,
        if(is_there, 0, 1) as calls,
        if(is_there, 0, 5) as tokens
    from labels_found
    group by is_there
    union all
    select
        entity,
        if(is_there, 'skip', 'create') as action,
        if(is_there, 'present', 'new') as reason,
        count(*) as rows,
        count_if(not is_there) as calls,
        5 * count_if(not is_there) as tokens
    from pipelines_found
    group by entity, is_there
    union all
    select
        entity,
        if(is_there, 'skip', 'create') as action,
        if(is_there, 'present', 'new') as reason,
        count(*) as rows,
        count_if(not is_there) as calls,
        5 * count_if(not is_there) as tokens
    from stages_found
    group by entity, is_there
    union all
    select
        'reading' as entity,
        'read' as action,
        purpose as reason,
        calls as rows,
        calls,
        tokens
    from readings
    union all
    -- older orders, where only recent ones are deals
    select
        'order' as entity,
        'count' as action,
        'on_its_person' as reason,
        order_count as rows,
        0 as calls,
        0 as tokens
    from orders_counted
    where order_count > 0
    union all
    select
        'line' as entity,
        'count' as action,
        'text_in_its_deal' as reason,
        line_count as rows,
        0 as calls,
        0 as tokens
    from lines_written
    where line_count > 0
    union all
    -- what the chosen order strategy relies on and nobody probed
    select
        'fact' as entity,
        'open' as action,
        fact as reason,
        count(*) as rows,
        0 as calls,
        0 as tokens
    from facts_open
    group by fact
    union all
    -- what nobody decided crosses nowhere; preflight stops an apply until it is
    select
        'decision' as entity,
        'undecided' as action,
        kind as reason,
        count(*) as rows,
        0 as calls,
        0 as tokens
    from decisions_open
    group by kind
    union all
    select
        'sensitive_value' as entity,
        decision as action,
        column_name || ' in ' || state as reason,
        sum(value_count) as rows,
        0 as calls,
        0 as tokens
    from field_policies
    where value_count > 0
    group by decision, column_name, state
),

typed as (
    select
        entity,
        action,
        reason,
        cast(sum(rows) as bigint) as rows,
        cast(sum(calls) as bigint) as calls,
        cast(sum(tokens) as bigint) as tokens
    from summed
    group by entity, action, reason
)

select * from typed
