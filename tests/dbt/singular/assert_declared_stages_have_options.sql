-- If this fails, an order status of pipeline_stages.csv has no option to cross as.

select pipeline_stages.order_status
from {{ ref('pipeline_stages') }} as pipeline_stages
left join {{ ref('field_options') }} as field_options
    on
        field_options.column_name = 'order_status__c'
        and pipeline_stages.order_status = field_options.option_label
where field_options.option_label is null
