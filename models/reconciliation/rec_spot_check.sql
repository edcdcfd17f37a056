-- People for human eyes: a seeded sample over stores and risk classes, source beside
-- destination. One row per person and field. All records are compared elsewhere; this
-- is for looking at.

with

persons as (
    select * from {{ ref('plan_persons') }}
    where payload is not null and action <> 'quarantine'
),

merged as (
    select
        person_source_key as source_key,
        count(*) as contact_count
    from {{ ref('int_contacts_matched') }}
    group by person_source_key
),

organizations as (select * from {{ ref('mart_organizations') }}),

id_map as (
    select * from {{ ref('stg_ledger__id_map') }}
    where entity = 'person'
),

destination_values as (
    select * from {{ ref('plan_destination_values') }}
    where entity = 'person'
),

compared as (
    select * from {{ ref('rec_fields_compared') }}
    where entity = 'person'
),

binding as (select * from {{ ref('stg_ledger__binding') }}),

fields_looked_at as (
    select
        unnest(
            [
                'name', 'emails', 'phones', 'loyalty_points__c', 'loyalty_tier__c',
                'sms_opt_in__c', 'email_opt_in__c'
            ]
        ) as column_name,
        unnest(range(1, 8)) as field_order
),

-- the first that fits: what would hurt most if it were wrong
classified as (
    select
        persons.source_key,
        persons.payload,
        id_map.pipedrive_id,
        coalesce(organizations.name, 'no store') as store_name,
        case
            when (persons.payload ->> 'suppression__c') is not null then 'suppressed'
            when merged.contact_count > 1 then 'merged contacts'
            when
                'No' in (
                    persons.payload ->> 'sms_opt_in__c',
                    persons.payload ->> 'email_opt_in__c'
                )
                then 'opted out'
            when (persons.payload ->> 'med_id__c') is not null then 'medical'
            when
                'Yes' in (
                    persons.payload ->> 'sms_opt_in__c',
                    persons.payload ->> 'email_opt_in__c'
                )
                then 'may be contacted'
            else 'consent unknown'
        end as risk_class,
        md5('{{ var("spot_check_seed", "1") }} ' || persons.source_key) as lot
    from persons
    left join merged
        on persons.source_key = merged.source_key
    left join organizations
        on (persons.payload ->> 'org__source_key') = organizations.source_key
    left join id_map
        on persons.source_key = id_map.source_key
),

-- one of each store and class, then the second of each, until forty are drawn
placed as (
    select
        source_key,
        payload,
        pipedrive_id,
        store_name,
        risk_class,
        lot,
        row_number() over (partition by store_name, risk_class order by lot)
            as place_in_stratum
    from classified
),

drawn as (
    select
        source_key,
        payload,
        pipedrive_id,
        store_name,
        risk_class
    from placed
    qualify row_number() over (order by place_in_stratum, lot) <= 40
),

side_by_side as (
    select
        drawn.source_key,
        drawn.pipedrive_id,
        drawn.store_name,
        drawn.risk_class,
        fields_looked_at.column_name,
        fields_looked_at.field_order,
        json_extract(drawn.payload, '$.' || fields_looked_at.column_name)
            as source_json,
        destination_values.value as destination_json,
        coalesce(compared.verdict, if(drawn.pipedrive_id is null, 'missing', 'equal'))
            as verdict
    from drawn
    cross join fields_looked_at
    left join destination_values
        on
            drawn.pipedrive_id = destination_values.pipedrive_id
            and fields_looked_at.column_name = destination_values.column_name
    left join compared
        on
            drawn.source_key = compared.source_key
            and fields_looked_at.column_name = compared.column_name
),

read_as_text as (
    select
        store_name,
        risk_class,
        source_key,
        pipedrive_id,
        column_name,
        field_order,
        {{ listed_or_plain('column_name', 'source_json') }} as source_value,
        {{ listed_or_plain('column_name', 'destination_json') }} as destination_value,
        verdict
    from side_by_side
),

masked as (
    select
        read_as_text.store_name,
        read_as_text.risk_class,
        read_as_text.source_key,
        read_as_text.pipedrive_id,
        {{ pipedrive_link(
            'binding.company_domain', "'person'", 'read_as_text.pipedrive_id'
        ) }} as pipedrive_link,
        read_as_text.column_name,
        cast(read_as_text.field_order as integer) as field_order,
        read_as_text.source_value,
        read_as_text.destination_value,
        {{ recognisable('column_name', 'source_value') }} as source_shown,
        {{ recognisable('column_name', 'destination_value') }} as destination_shown,
        read_as_text.verdict
    from read_as_text
    left join binding
        on true
)

select * from masked
order by store_name, risk_class, source_key, field_order
