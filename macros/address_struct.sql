{# Pipedrive's address; null where no part is known, because it wants a `value`. #}
{% macro address_struct(route, locality, admin_area_level_1, postal_code, country) -%}
    case
        when
            coalesce(
                {{ route }},
                {{ locality }},
                {{ admin_area_level_1 }},
                {{ postal_code }}
            ) is not null
            then struct_pack(
                value := concat_ws(
                    ', ',
                    {{ route }},
                    {{ locality }},
                    nullif(
                        concat_ws(' ', {{ admin_area_level_1 }}, {{ postal_code }}), ''
                    ),
                    {{ country }}
                ),
                country := {{ country }},
                admin_area_level_1 := {{ admin_area_level_1 }},
                locality := {{ locality }},
                route := {{ route }},
                postal_code := {{ postal_code }}
            )
    end
{%- endmacro %}
