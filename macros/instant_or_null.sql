{# Epoch seconds, or readable UTC text as exports have it. 0 means never. #}
{% macro instant_or_null(expression) -%}
    case
        when try_cast(trim({{ expression }}) as double) between 1 and 253402300799
            then make_timestamp(
                cast(try_cast(trim({{ expression }}) as double) * 1000000 as bigint)
            )
        when
            try_cast(replace(trim({{ expression }}), ' UTC', '+00') as timestamptz)
            > timestamptz '1970-01-01 00:00:00+00'
            then try_cast(
                replace(trim({{ expression }}), ' UTC', '+00') as timestamptz
            ) at time zone 'UTC'
    end
{%- endmacro %}
