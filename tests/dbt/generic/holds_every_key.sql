{# Every key of another relation is here: what a plan loses is never accounted for. #}
{% test holds_every_key(model, column_name, of) %}

select {{ column_name }}
from {{ of }}
where {{ column_name }} not in (
    select {{ column_name }} from {{ model }}
    where {{ column_name }} is not null
)

{% endtest %}
