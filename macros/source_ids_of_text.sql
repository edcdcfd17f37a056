{# Ids of the points of sale as exports write them: source:::id:::store| source:::id. #}
{% macro source_ids_of_text(expression) -%}
    list_transform(
        list_filter(
            string_split(coalesce({{ expression }}, ''), '|'),
            lambda token: trim(token) <> ''
        ),
        lambda token: {
            'source': split_part(trim(token), ':::', 1),
            'id': split_part(trim(token), ':::', 2),
            'store': split_part(trim(token), ':::', 3)
        }
    )
{%- endmacro %}
