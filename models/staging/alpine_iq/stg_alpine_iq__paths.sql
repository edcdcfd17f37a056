-- Paths of the landed JSON, arrays as []. One row per resource and path.

{% set resources = [
    'stores', 'contacts', 'contact_details', 'contact_orders', 'audiences',
    'audience_members', 'loyalty_program', 'discounts', 'discount_groups', 'campaigns',
    'adjustments', 'redemptions', 'conversions', 'optins', 'hidden_contacts',
] %}

with

structures as (
    {% for resource in resources %}
        select
            '{{ resource }}' as resource,
            json_group_structure(payload) as structure
        from {{ source('raw_alpine_iq', resource) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

leaves as (
    select
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
        regexp_replace(
            regexp_replace(path, '^detail\.', ''),
            '^(sourceMapping|reviewLinks|summary)\..*$',
            '\1.*'
        ) as path
    from leaves
)

select * from paths_named
