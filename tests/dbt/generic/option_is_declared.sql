{# A value that nobody declared as an option can't be loaded: it has no id. #}
{% test option_is_declared(model, column_name, entity, is_list=false) %}

with

values_used as (
    select distinct
        {% if is_list %}unnest({{ column_name }}){% else %}{{ column_name }}{% endif %} as option_label
    from {{ model }}
),

options_declared as (
    select option_label
    from {{ ref('mart_field_options') }}
    where entity = '{{ entity }}' and column_name = '{{ column_name }}'
)

select values_used.option_label
from values_used
left join options_declared
    on values_used.option_label = options_declared.option_label
where
    values_used.option_label is not null
    and options_declared.option_label is null

{% endtest %}
