-- Fields whose destination value is not what the source says, with what to do.
-- One row per entity, source_key and column; empty when all is well.

with

compared as (
    select * from {{ ref('rec_fields_compared') }}
    where verdict not in ('equal', 'normalised_equal', 'kept')
),

catalogue as (select * from {{ ref('fields') }}),

explained as (
    select
        compared.entity,
        compared.source_key,
        compared.pipedrive_id,
        compared.column_name,
        catalogue.field_name,
        compared.verdict,
        compared.source_value,
        compared.destination_value,
        compared.is_touched_since,
        case
            when compared.is_raised
                then 'set it back to the source value before anybody is contacted'
            when compared.verdict = 'wrong_parent'
                then 'link the record to its parent again'
            when compared.verdict = 'not_sent_yet'
                then 'plan and apply again'
            when compared.verdict = 'truncated'
                then 'shorten it in the mapping or move it to a long text field'
            when compared.verdict = 'extra' and compared.is_touched_since
                then 'nothing, if a person added it on purpose'
            when compared.verdict = 'extra'
                then 'find out who wrote it; clear it if nobody did'
            when compared.is_touched_since
                then 'decide which value holds; nothing of ours overwrites it'
            when compared.verdict = 'missing'
                then 'plan and apply again; if it comes back, look at the field'
            else 'correct it in Pipedrive or plan and apply again'
        end as what_to_do,
        case
            when compared.is_raised then 'critical'
            when catalogue.on_update = 'never_raise' then 'high'
            when compared.verdict = 'wrong_parent' then 'high'
            when compared.column_name = 'migration_key__c' then 'high'
            when compared.verdict in ('edited_since', 'extra', 'not_sent_yet')
                then 'low'
            else 'medium'
        end as severity
    from compared
    left join catalogue
        on
            compared.entity = catalogue.entity
            and compared.column_name = catalogue.column_name
)

select * from explained
