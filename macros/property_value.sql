{#-
    One confirmed custom property as a mart column. `properties` is the import of
    int_person_properties_mapped; the name is folded as in property_fields.csv.
-#}
{% macro property_value(name, data_type='varchar') -%}
    cast(properties.property_values['{{ name }}'] as {{ data_type }})
{%- endmacro %}
