{# Both relations hold the same keys: lost and invented records are found alike. #}
{% test same_keys(model, column_name, compare_to, compare_where='true') %}

select
    {{ column_name }} as record_key,
    'missing in {{ compare_to.identifier }}' as problem
from {{ model }}
where
    {{ column_name }} not in (
        select {{ column_name }} from {{ compare_to }}
        where {{ compare_where }}
    )
union all
select
    {{ column_name }} as record_key,
    'missing in {{ model.identifier }}' as problem
from {{ compare_to }}
where
    {{ column_name }} not in (select {{ column_name }} from {{ model }})
    and {{ compare_where }}

{% endtest %}
