{# Both relations hold the same keys: a join that drops or invents records is caught both ways. #}
{% test same_keys(model, column_name, compare_to, compare_column=None, where=None) %}

(
    select
        {{ column_name }} as record_key,
        'missing in {{ compare_to.identifier }}' as problem
    from {{ model }}
    where {{ column_name }} not in (
        select {{ compare_column or column_name }} from {{ compare_to }}
        {% if where %}where {{ where }}{% endif %}
    )
)
union all
(
    select
        {{ compare_column or column_name }} as record_key,
        'missing in {{ model.identifier }}' as problem
    from {{ compare_to }}
    where
        {{ compare_column or column_name }} not in (
            select {{ column_name }} from {{ model }}
        )
        {% if where %}and {{ where }}{% endif %}
)

{% endtest %}
