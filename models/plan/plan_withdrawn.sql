-- Records that we loaded and that the source no longer gives, or gives only into
-- quarantine. One row per entity and source_key.
--
-- Nothing is deleted for it. A person who was deleted, hidden or merged at the source
-- is flagged by policy: no consent, no segment, and a suppression that says why.

with

loaded as (
    select * from {{ ref('stg_ledger__id_map') }}
    where state = 'confirmed' and entity not in ('pipeline', 'stage')
),

mart_keys as (
    select
        'organization' as entity,
        source_key
    from {{ ref('mart_organizations') }}
    union all
    select
        'person' as entity,
        source_key
    from {{ ref('mart_persons') }}
    union all
    select
        'product' as entity,
        source_key
    from {{ ref('mart_products') }}
    union all
    select
        'deal' as entity,
        source_key
    from {{ ref('mart_deals') }}
    union all
    select
        'deal_product' as entity,
        source_key
    from {{ ref('mart_deal_products') }}
    union all
    select
        'note' as entity,
        source_key
    from {{ ref('mart_notes') }}
    union all
    select
        'activity' as entity,
        source_key
    from {{ ref('mart_activities') }}
    union all
    select
        'file' as entity,
        source_key
    from {{ ref('mart_files') }}
),

quarantined as (
    select
        'person' as entity,
        source_key,
        min(rule) as rule
    from {{ ref('quarantine_persons') }}
    group by source_key
    union all
    select
        'deal' as entity,
        source_key,
        min(rule) as rule
    from {{ ref('quarantine_deals') }}
    group by source_key
    union all
    select
        'deal_product' as entity,
        source_key,
        min(rule) as rule
    from {{ ref('quarantine_deal_products') }}
    group by source_key
),

contacts as (select * from {{ ref('int_contacts_dispositioned') }}),

not_given as (
    select
        loaded.entity,
        loaded.source_key,
        loaded.pipedrive_id,
        loaded.field_hashes,
        case
            when contacts.disposition = 'merged'
                then 'merged into ' || contacts.person_source_key
            when contacts.disposition = 'hidden' then 'hidden at the source'
            when contacts.disposition in ('gone', 'unknown')
                then 'deleted at the source'
            when contacts.reason = 'survivor_is_not_loaded'
                then 'merged into a contact that is not loaded'
            when quarantined.rule is not null then 'quarantined: ' || quarantined.rule
            else 'no longer at the source'
        end as why,
        coalesce(
            contacts.disposition in ('merged', 'hidden', 'gone', 'unknown')
            or contacts.reason = 'survivor_is_not_loaded',
            false
        )
        and {{ policy('deleted_at_source') }} = 'flag' as is_flagged
    from loaded
    left join mart_keys
        on
            loaded.entity = mart_keys.entity
            and loaded.source_key = mart_keys.source_key
    left join quarantined
        on
            loaded.entity = quarantined.entity
            and loaded.source_key = quarantined.source_key
    left join contacts
        on
            loaded.source_key = contacts.contact_source_key
            and loaded.entity = 'person'
    where
        mart_keys.source_key is null
        -- a product that nothing sells any more is still a product
        and loaded.entity not in ('product', 'organization')
),

flags as (
    select
        entity,
        source_key,
        unnest(
            [
                { 'column_name': 'suppression__c', 'value': to_json(why) },
                { 'column_name': 'sms_opt_in__c', 'value': to_json('No') },
                { 'column_name': 'email_opt_in__c', 'value': to_json('No') },
                { 'column_name': 'label_names', 'value': to_json([]) },
                { 'column_name': 'audience_list__c', 'value': to_json(null) },
                { 'column_name': 'discount_group__c', 'value': to_json(null) },
                { 'column_name': 'push_channels__c', 'value': to_json(null) }
            ]
        ) as flag
    from not_given
    where is_flagged
),

payloads as (
    select
        entity,
        source_key,
        json_group_object(flag.column_name, flag.value) as payload,
        json_group_object(
            flag.column_name, md5(coalesce(cast(flag.value as varchar), 'null'))
        ) as field_hashes
    from flags
    group by entity, source_key
),

described as (
    select
        not_given.entity,
        not_given.source_key,
        not_given.pipedrive_id,
        not_given.why,
        not_given.is_flagged,
        payloads.payload,
        -- the columns that the flag leaves alone stay as they were last sent
        case
            when payloads.payload is not null
                then {{ field_hashes_with(
                    'not_given.field_hashes', 'payloads.field_hashes'
                ) }}
        end as field_hashes
    from not_given
    left join payloads
        on
            not_given.entity = payloads.entity
            and not_given.source_key = payloads.source_key
)

select * from described
