-- Two warehouses, attached as `base` and `head`, compared at the level of CRM calls.
-- Records pair by entity and source_key; contacts tell where a person went whose key changed.

create temp view base_rows as
{rows_of_base};

create temp view head_rows as
{rows_of_head};

create temp table pairs as
select
    entity,
    source_key,
    base_rows.action as action_before,
    head_rows.action as action_now,
    base_rows.reason as reason_before,
    head_rows.reason as reason_now,
    base_rows.payload as payload_before,
    head_rows.payload as payload_now
from base_rows
full join head_rows using (entity, source_key);

-- a value that is null and a column that is not there are one and the same to the API
create temp table changed_values as
with keyed as (
    select
        *,
        unnest(
            list_distinct(json_keys(payload_before) || json_keys(payload_now))
        ) as column_name
    from pairs
    where payload_before is not null and payload_now is not null
        and cast(payload_before as varchar) <> cast(payload_now as varchar)
),

valued as (
    select
        entity,
        source_key,
        column_name,
        json_extract(payload_before, '$."' || column_name || '"') as json_before,
        json_extract(payload_now, '$."' || column_name || '"') as json_now
    from keyed
)

select
    entity,
    source_key,
    column_name,
    if(json_type(json_before) = 'NULL', null, json_before ->> '$') as value_before,
    if(json_type(json_now) = 'NULL', null, json_now ->> '$') as value_now
from valued
where if(json_type(json_before) = 'NULL', null, cast(json_before as varchar))
    is distinct from if(json_type(json_now) = 'NULL', null, cast(json_now as varchar));

create temp view personal as
select
    entity,
    column_name,
    bool_or(is_personal) as is_personal
from (from base.plan.plan_fields union all by name from head.plan.plan_fields)
group by entity, column_name;

create temp table guarded as
select
    before.entity,
    before.column_name,
    coalesce(now.on_update = 'never_raise', false) as is_still_guarded
from base.plan.plan_fields as before
left join head.plan.plan_fields as now using (entity, column_name)
where before.on_update = 'never_raise';

create temp table ranks as
select
    entity,
    column_name,
    option_label,
    min(rank) as rank
from (
    select entity, column_name, option_label, rank from base.mapping.field_options
    union all
    select entity, column_name, option_label, rank from head.mapping.field_options
)
group by entity, column_name, option_label;

-- where each record's successor is: itself, and for a person that of every contact in it
create temp table successors as
select distinct
    entity,
    source_key as key_before,
    source_key as key_now
from pairs
union
select distinct
    'person' as entity,
    before.person_source_key as key_before,
    now.person_source_key as key_now
from base.intermediate.int_contacts_matched as before
inner join head.intermediate.int_contacts_matched as now using (contact_id);

create temp table consent_moves as
with stated as (
    select
        guarded.entity,
        guarded.column_name,
        successors.key_now as source_key,
        before.payload ->> guarded.column_name as value_before,
        now.payload ->> guarded.column_name as value_now
    from guarded
    inner join successors using (entity)
    inner join base_rows as before
        on before.entity = guarded.entity and before.source_key = successors.key_before
    inner join head_rows as now
        on now.entity = guarded.entity and now.source_key = successors.key_now
    where before.payload is not null and now.payload is not null
)

select distinct
    stated.entity,
    stated.column_name,
    stated.source_key,
    stated.value_before,
    stated.value_now,
    -- nothing said ranks as the lowest statement
    if(
        coalesce(rank_now.rank, 0) > coalesce(rank_before.rank, 0), 'rise', 'fall'
    ) as direction
from stated
left join ranks as rank_before
    on rank_before.entity = stated.entity
    and rank_before.column_name = stated.column_name
    and rank_before.option_label = stated.value_before
left join ranks as rank_now
    on rank_now.entity = stated.entity
    and rank_now.column_name = stated.column_name
    and rank_now.option_label = stated.value_now
where coalesce(rank_now.rank, 0) <> coalesce(rank_before.rank, 0);
