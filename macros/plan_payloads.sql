{#-
    What a mart's rows hold as it would be sent, one row per source_key: no more than
    the mart decides, so that it stays as it is while ledger, destination or decisions
    change.

    parents  columns with the keys of parents
    bulk_by  parent column by which creates travel together
-#}
{% macro plan_payloads(mart, parents=[], bulk_by=none) -%}
    {%- set archives = (
        mart_columns(mart) | map(attribute='name') | select('equalto', 'is_archived')
        | list
    ) -%}
    select
        packed.source_key,
        packed.payload,
        packed.field_hashes,
        md5(cast(packed.payload as varchar)) as payload_hash,
        packed.parents,
        packed.bulk_key,
        packed.is_archived
    from (
        select
            mart_rows.source_key,
            {{ payload(mart, 'mart_rows') }} as payload,
            {{ field_hashes(mart, 'mart_rows') }} as field_hashes,
            list_filter(
                cast([{{ parents | join(', ') }}] as varchar []),
                lambda x: x is not null
            ) as parents,
            {{ bulk_by or 'cast(null as varchar)' }} as bulk_key,
            {{ 'coalesce(mart_rows.is_archived, false)' if archives else 'false' }}
                as is_archived
        from {{ ref(mart) }} as mart_rows
    ) as packed
{%- endmacro %}
