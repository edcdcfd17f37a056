{#-
    A JSON value as text that is the same for the same meaning: 12 and 12.00, members in
    any order, a list in any order, an address with members that only one side knows.
-#}
{% macro comparable(shape, column_name, value) -%}
    case {{ shape }}
        when 'number' then cast(try_cast({{ value }} ->> '$' as double) as varchar)
        when 'money'
            then concat_ws(
                ' ',
                try_cast({{ value }} ->> '$.value' as double),
                {{ value }} ->> '$.currency'
            )
        when 'labels'
            then array_to_string(
                list_sort(try_cast({{ value }} as varchar [])), chr(31)
            )
        when 'contacts'
            then array_to_string(
                list_sort(
                    list_transform(
                        try_cast({{ value }} as json []),
                        lambda x: concat_ws(
                            '|', x ->> '$.value', x ->> '$.primary', x ->> '$.label'
                        )
                    )
                ),
                chr(31)
            )
        when 'address'
            then concat_ws(
                '|',
                {{ value }} ->> '$.value',
                {{ value }} ->> '$.country',
                {{ value }} ->> '$.admin_area_level_1',
                {{ value }} ->> '$.locality',
                {{ value }} ->> '$.route',
                {{ value }} ->> '$.postal_code'
            )
        when 'prices'
            then array_to_string(
                list_sort(
                    list_transform(
                        try_cast({{ value }} as json []),
                        lambda x: concat_ws(
                            ' ',
                            try_cast(x ->> '$.price' as double),
                            x ->> '$.currency'
                        )
                    )
                ),
                chr(31)
            )
        when 'time'
            then coalesce(
                cast(try_cast({{ value }} ->> '$' as timestamp) as varchar),
                {{ value }} ->> '$'
            )
        else {{ value }} ->> '$'
    end
{%- endmacro %}
