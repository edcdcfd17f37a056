{#-
    A JSON value as a person reads it: without differences of white space, Unicode form,
    markup, letter case of an e-mail address, punctuation of a phone number or prices of 0.
-#}
{% macro readable(shape, column_name, value) -%}
    case {{ shape }}
        when 'contacts'
            then array_to_string(
                list_sort(
                    list_transform(
                        try_cast({{ value }} as json []),
                        lambda x: if(
                            {{ column_name }} = 'phones',
                            regexp_replace(x ->> '$.value', '[^0-9]', '', 'g'),
                            lower(trim(x ->> '$.value'))
                        )
                        || if(x ->> '$.primary' = 'true', '*', '')
                    )
                ),
                chr(31)
            )
        when 'address'
            then lower(
                regexp_replace(
                    nfc_normalize({{ comparable(shape, column_name, value) }}),
                    '[\s,]+', ' ', 'g'
                )
            )
        when 'html'
            then trim(
                regexp_replace(
                    nfc_normalize({{ value }} ->> '$'), '(<[^>]*>|\s|&nbsp;)+', ' ', 'g'
                )
            )
        when 'text'
            then trim(
                regexp_replace(nfc_normalize({{ value }} ->> '$'), '\s+', ' ', 'g')
            )
        -- a product that was sent without a price has one of 0
        when 'prices'
            then nullif(
                array_to_string(
                    list_sort(
                        list_transform(
                            list_filter(
                                try_cast({{ value }} as json []),
                                lambda x: try_cast(x ->> '$.price' as double) <> 0
                            ),
                            lambda x: concat_ws(
                                ' ',
                                try_cast(x ->> '$.price' as double),
                                x ->> '$.currency'
                            )
                        )
                    ),
                    chr(31)
                ),
                ''
            )
        else {{ comparable(shape, column_name, value) }}
    end
{%- endmacro %}
