-- Custom properties found on contacts, what was decided about each, and for those that
-- nobody decided on the lines to paste: the type that would fit is proposed, a person
-- confirms it with a commit. One row per property, case-folded.

with

properties as (select * from {{ ref('int_contact_custom_properties_listed') }}),

decisions as (select * from {{ ref('property_fields') }}),

measured as (
    select
        folded_name as property_name,
        min(property_name) as spelling,
        count(distinct property_name) as spelling_count,
        count(distinct contact_id) as contact_count,
        count(distinct property_value) as value_count,
        max(length(property_value)) as longest_value,
        bool_and(try_cast(property_value as double) is not null) as is_number,
        bool_and(try_cast(property_value as date) is not null) as is_date,
        bool_and(lower(property_value) in ('true', 'false', 'yes', 'no')) as is_truth
    from properties
    group by folded_name
),

proposed as (
    select
        property_name,
        spelling,
        spelling_count,
        contact_count,
        value_count,
        longest_value,
        case
            when is_truth then 'enum'
            when is_number then 'double'
            when is_date then 'date'
            when longest_value > 255 then 'text'
            when value_count <= 20 and contact_count >= 5 * value_count then 'enum'
            else 'varchar'
        end as proposed_type,
        left(
            coalesce(
                nullif(
                    trim(regexp_replace(property_name, '[^a-z0-9]+', '_', 'g'), '_'), ''
                ),
                'property'
            ),
            55
        ) || '__c' as proposed_column
    from measured
),

decided as (
    select
        proposed.property_name,
        proposed.spelling,
        proposed.spelling_count,
        proposed.contact_count,
        proposed.value_count,
        proposed.longest_value,
        proposed.proposed_type,
        coalesce(decisions.decision, 'undecided') as decision,
        coalesce(decisions.column_name, proposed.proposed_column) as column_name,
        coalesce(decisions.field_type, proposed.proposed_type) as field_type,
        decisions.property_name is null as is_proposal
    from proposed
    left join decisions
        on proposed.property_name = decisions.property_name
),

-- a name with a comma or a quote is written as CSV wants it; personal until a person
-- says otherwise
written as (
    select
        property_name,
        spelling,
        spelling_count,
        contact_count,
        value_count,
        longest_value,
        proposed_type,
        decision,
        column_name,
        case
            when is_proposal
                then concat_ws(
                    ',',
                    {{ csv_quoted('property_name') }},
                    'field',
                    column_name,
                    field_type,
                    'to be confirmed'
                )
        end as line_for_property_fields,
        case
            when is_proposal
                then concat_ws(
                    ',',
                    'person',
                    column_name,
                    'custom',
                    {{ csv_quoted('left(spelling, 255)') }},
                    field_type,
                    {{ csv_quoted("'customAttributes ' || spelling") }},
                    'lossy',
                    'source_wins',
                    'true',
                    'to be confirmed'
                )
        end as line_for_fields,
        case
            when is_proposal
                then
                    '        {' || '{ property_value('''
                    || replace(property_name, '''', '\''') || ''''
                    || case field_type
                        when 'double' then ', ''decimal(18, 4)'''
                        when 'date' then ', ''date'''
                        else ''
                    end
                    || ') }' || '} as ' || column_name || ','
        end as line_for_mart_persons_sql,
        case
            when is_proposal
                then
                    '      - {name: ' || column_name || ', data_type: '
                    || case field_type
                        when 'double' then '''decimal(18, 4)'''
                        when 'date' then 'date'
                        else 'varchar'
                    end
                    || '}'
        end as line_for_mart_persons_yml
    from decided
)

select * from written
