-- Consent by channel and statement, in both places. One row per channel and statement.

with

persons as (
    select * from {{ ref('plan_persons') }}
    where payload is not null and action <> 'quarantine'
),

catalogue as (
    select * from {{ ref('fields') }}
    where entity = 'person' and on_update = 'never_raise'
),

statements as (
    select * from {{ ref('field_options') }}
    where entity = 'person'
),

destination_records as (
    select * from {{ ref('plan_destination_records') }}
    where entity = 'person' and source_key is not null
),

destination_values as (
    select * from {{ ref('plan_destination_values') }}
    where entity = 'person'
),

compared as (select * from {{ ref('rec_fields_compared') }}),

listed as (
    select
        catalogue.column_name,
        catalogue.field_name,
        statements.option_label as statement,
        statements.rank
    from catalogue
    inner join statements
        on catalogue.column_name = statements.column_name
),

source_counted as (
    select
        catalogue.column_name,
        json_extract_string(persons.payload, '$.' || catalogue.column_name)
            as statement,
        count(*) as person_count
    from persons
    cross join catalogue
    group by
        catalogue.column_name,
        json_extract_string(persons.payload, '$.' || catalogue.column_name)
),

destination_counted as (
    select
        destination_values.column_name,
        destination_values.value ->> '$' as statement,
        count(*) as person_count
    from destination_values
    inner join destination_records
        on destination_values.pipedrive_id = destination_records.pipedrive_id
    inner join catalogue
        on destination_values.column_name = catalogue.column_name
    group by destination_values.column_name, destination_values.value ->> '$'
),

raised as (
    select
        column_name,
        count(*) as person_count
    from compared
    where entity = 'person' and is_raised
    group by column_name
),

counted as (
    select
        replace(listed.column_name, '_opt_in__c', '') as channel,
        listed.column_name,
        listed.statement,
        cast(listed.rank as integer) as rank,
        coalesce(source_counted.person_count, 0) as source_persons,
        coalesce(destination_counted.person_count, 0) as destination_persons,
        coalesce(destination_counted.person_count, 0)
        - coalesce(source_counted.person_count, 0) as difference,
        -- persons whom the destination holds above what the source says, any statement
        coalesce(raised.person_count, 0) as persons_raised
    from listed
    left join source_counted
        on
            listed.column_name = source_counted.column_name
            and listed.statement = source_counted.statement
    left join destination_counted
        on
            listed.column_name = destination_counted.column_name
            and listed.statement = destination_counted.statement
    left join raised
        on listed.column_name = raised.column_name
)

select * from counted
