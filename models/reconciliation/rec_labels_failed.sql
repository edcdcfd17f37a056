-- Labels that a person should have and that Pipedrive doesn't show on it.
-- One row per source_key and label.

with

missing_labels as (
    select * from {{ ref('rec_tags_compared') }}
    where column_name = 'label_names' and is_in_source and not is_in_destination
),

destination_records as (
    select
        source_key,
        min(pipedrive_id) as pipedrive_id
    from {{ ref('plan_destination_records') }}
    where entity = 'person' and source_key is not null
    group by source_key
),

labels_in_use as (
    select distinct label from {{ ref('rec_tags_compared') }}
    where column_name = 'label_names' and is_in_destination
),

traced as (
    select
        missing_labels.source_key,
        destination_records.pipedrive_id,
        missing_labels.label,
        case
            when destination_records.pipedrive_id is null
                then 'the person is not in the destination'
            when labels_in_use.label is null
                then 'nobody in the destination has the label'
            else 'the person lacks the label'
        end as problem
    from missing_labels
    left join destination_records
        on missing_labels.source_key = destination_records.source_key
    left join labels_in_use
        on missing_labels.label = labels_in_use.label
),

explained as (
    select
        source_key,
        pipedrive_id,
        label,
        problem,
        case problem
            when 'the person is not in the destination'
                then 'see the pending, missing and quarantined records'
            when 'nobody in the destination has the label'
                then 'look whether the label was renamed or deleted in Pipedrive'
            else 'run plan and apply again, or leave it if it was removed on purpose'
        end as what_to_do
    from traced
)

select * from explained
