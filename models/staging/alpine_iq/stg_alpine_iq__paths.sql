-- Paths of the landed JSON and columns of the exports, arrays as []. Records of one
-- shape are looked at once: a structure per record is small where one of all records
-- together takes gigabytes. One row per resource and path.

{% set resources = [
    'stores', 'contacts', 'contact_details', 'contact_orders', 'audiences',
    'audience_members', 'loyalty_program', 'discounts', 'discount_groups', 'campaigns',
    'adjustments', 'redemptions', 'conversions', 'points_timelines', 'overrides',
    'optins', 'hidden_contacts',
    'export_personas', 'export_sales_lines', 'export_hidden_contacts',
    'export_files', 'loyalty_snapshot',
] %}

with

structures as (
    {% for resource in resources %}
        select distinct
            '{{ resource }}' as resource,
            json_structure(payload) as structure
        from {{ source('raw_alpine_iq', resource) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

leaves as (
    select distinct
        structures.resource,
        replace(regexp_replace(leaf.fullkey, '^\$\.?', ''), '[0]', '[]') as path
    from structures, json_tree(structures.structure) as leaf
    where leaf.type not in ('OBJECT', 'ARRAY')
),

-- a hidden contact's detail is the object that the look-up by id gives; the keys of
-- some objects are data, not names
paths_named as (
    select distinct
        case
            when resource = 'hidden_contacts' and starts_with(path, 'detail.')
                then 'contact_details'
            else resource
        end as resource,
        case
            -- every column that a persona's export adds is a custom property
            when
                resource in ('export_personas', 'export_hidden_contacts')
                and starts_with(path, 'other.')
                then 'other.*'
            else regexp_replace(
                regexp_replace(path, '^detail\.', ''),
                '^(sourceMapping|reviewLinks|summary)\..*$',
                '\1.*'
            )
        end as path
    from leaves
)

select * from paths_named
