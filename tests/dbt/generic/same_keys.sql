{# Both relations hold the same keys: a join that drops or invents records is caught both ways. #}
{% test same_keys(model, column_name, compare_to, compare_column=None, compare_where=None) %}

(
    select
        {{ column_name }} as record_key,
        'missing in {{ compare_to.identifier }}' as problem
    from {{ model }}
    where {{ column_name }} not in (
        select {{ compare_column or column_name }} from {{ compare_to }}
        {% if compare_where %}where {{ compare_where }}{% endif %}
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
        {% if compare_where %}and {{ compare_where }}{% endif %}
)

{% endtest %}
