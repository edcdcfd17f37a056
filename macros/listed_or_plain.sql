{# E-mail addresses and phone numbers as one text, other values as they stand. #}
{% macro listed_or_plain(column_name, value) -%}
    case
        when {{ column_name }} in ('emails', 'phones')
            then nullif(
                array_to_string(
                    list_transform(
                        try_cast({{ value }} as json[]), lambda x: x ->> '$.value'
                    ),
                    ', '
                ),
                ''
            )
        else {{ value }} ->> '$'
    end
{%- endmacro %}
