{#-
    A value that a person who has the record open can recognise, and nobody else can use:
    initials of a name, first letter of an e-mail address, last digits of a phone number.
-#}
{% macro recognisable(column_name, value) -%}
    case {{ column_name }}
        when 'name' then regexp_replace({{ value }}, '(\S)\S*', '\1…', 'g')
        when 'emails'
            then regexp_replace({{ value }}, '([^@, ])[^@, ]*@[^., ]*', '\1…@…', 'g')
        when 'phones' then regexp_replace({{ value }}, '[^, ]*(\d{2})', '…\1', 'g')
        else {{ value }}
    end
{%- endmacro %}
