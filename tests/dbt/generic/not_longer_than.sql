{# Pipedrive refuses over-long text; nothing is cut in silence. #}
{% test not_longer_than(model, column_name, characters) %}

select {{ column_name }}
from {{ model }}
where length({{ column_name }}) > {{ characters }}

{% endtest %}
