{#-
    One row per intended call for one entity: the rules of planning, the same for all.

    mart        the mart whose rows are to stand in the destination
    quarantine  the model with the rows that must not load, if the entity has one
    held        the model with the rows that are not created yet, and why
    adoptions   the model with records that others made and that may be the same
    parents     parent column -> plan model of the parent (null: always there)
    payloads    the model that holds the mart's payloads, if they are kept apart: where
                records are many, whatever is no matter of the mart leaves them alone.
                The rows then come without payload and hashes of fields: `plan_whole`
                puts them together
    write_cost  tokens of one create or update
    bulk_by     parent column by which creates travel together, 25 tokens per 100

    The order of the rules is the order of the cases in the macro `plan_actions`.
-#}
{% macro plan_rows(
    entity, mart, quarantine=none, held=none, adoptions=none, parents={}, write_cost=5,
    bulk_by=none, payloads=none
) -%}
    {%- set planned_parent_keys = [] -%}
    {%- for column, model in parents.items() if model -%}
        {%- do planned_parent_keys.append('mart_rows.' ~ column) -%}
    {%- endfor -%}
    {%- set payload_source = 'select * from ' ~ ref(payloads) if payloads
        else plan_payloads(mart, parents, bulk_by) -%}
with

mart_rows as (select * from {{ ref(mart) }}),

payload_rows as (
    {{ payload_source }}
),

quarantined_rows as (
    {% if quarantine -%}
    -- what was loaded before it came into quarantine is withdrawn, not kept out
    select
        quarantined.source_key,
        coalesce(min(quarantined.rule), 'unnamed rule') as rule
    from {{ ref(quarantine) }} as quarantined
    left join {{ ref('plan_withdrawn') }} as loaded_before
        on
            quarantined.source_key = loaded_before.source_key
            and loaded_before.entity = '{{ entity }}'
    where
        quarantined.source_key is not null
        and loaded_before.source_key is null
    group by quarantined.source_key
    {%- else -%}
    select
        cast(null as varchar) as source_key,
        cast(null as varchar) as rule
    where false
    {%- endif %}
),

held_rows as (
    {% if held -%}
    select
        source_key,
        reason
    from {{ ref(held) }}
    {%- else -%}
    select
        cast(null as varchar) as source_key,
        cast(null as varchar) as reason
    where false
    {%- endif %}
),

matched_rows as (
    {% if adoptions -%}
    select
        source_key,
        max(pipedrive_id) filter (where is_adopted) as pipedrive_id,
        bool_or(is_adopted) as is_adopted,
        -- more than one only where a person is to decide
        min(reason) as reason
    from {{ ref(adoptions) }}
    where entity = '{{ entity }}'
    group by source_key
    {%- else -%}
    select
        cast(null as varchar) as source_key,
        cast(null as bigint) as pipedrive_id,
        cast(null as boolean) as is_adopted,
        cast(null as varchar) as reason
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

decisions as (
    select * from {{ ref('field_decisions') }}
    where entity = '{{ entity }}'
),

withdrawn_rows as (
    select * from {{ ref('plan_withdrawn') }}
    where entity = '{{ entity }}'
),

waves as (
    select * from {{ ref('plan_waves') }}
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

{{ plan_situated(planned_parent_keys, is_kept_apart=payloads is not none) }},

{{ plan_changed_fields(mart) }},

{{ plan_actions(holds_consent=entity == 'person') }},

{{ plan_costs(entity, write_cost, bulk_by) }},

completed as (
    {% if payloads -%}
    select * from costed
    {%- else -%}
    select
        {{ plan_columns('costed', 'contents') }}
    from costed
    left join contents
        on
            costed.source_key = contents.source_key
            and costed.new_hash = contents.new_hash
    {%- endif %}
)

select * from completed
{%- endmacro %}
