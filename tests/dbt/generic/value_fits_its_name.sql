{#
    Each named setting is there and its value fits the pattern that its name allows; the
    rows name file, line and what is allowed.
#}
{% test value_fits_its_name(model, column_name, name_column, allowed) %}

with

settings_found as (
    select
        rowid + 2 as line_number,
        {{ name_column }} as setting_name,
        {{ column_name }} as setting_value
    from {{ model }}
),

settings_known as (
    {% for name, pattern in allowed.items() %}
        select
            '{{ name }}' as setting_name,
            '{{ pattern }}' as allowed_values
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    '{{ model.identifier }}.csv' as seed_file,
    settings_found.line_number,
    coalesce(settings_found.setting_name, settings_known.setting_name) as setting_name,
    settings_found.setting_value,
    coalesce(settings_known.allowed_values, 'no such setting') as allowed_values
from settings_found
full outer join settings_known
    on settings_found.setting_name = settings_known.setting_name
where
    settings_found.setting_value is null
    or settings_known.allowed_values is null
    or not regexp_full_match(
        settings_found.setting_value, settings_known.allowed_values
    )

{% endtest %}
