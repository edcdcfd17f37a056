{# Money as Pipedrive takes it: amount and currency together, or nothing. #}
{% macro money(amount, currency) -%}
    case
        when {{ amount }} is not null
            then struct_pack(
                value := cast({{ amount }} as decimal(18, 2)), currency := {{ currency }}
            )
    end
{%- endmacro %}
