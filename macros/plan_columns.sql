{#- The columns of a plan model, in the order of its contract. -#}
{% macro plan_columns(calls, contents) -%}
    {{ calls }}.entity,
        {{ calls }}.source_key,
        {{ calls }}.wave,
        {{ calls }}.position,
        {{ calls }}.action,
        {{ calls }}.reason,
        {{ calls }}.old_hash,
        {{ calls }}.new_hash,
        {{ calls }}.changed_fields,
        {{ contents }}.payload,
        {{ contents }}.field_hashes,
        {{ calls }}.pipedrive_id,
        {{ calls }}.parents,
        {{ calls }}.token_cost,
        {{ calls }}.risk,
        {{ calls }}.take_ours,
        {{ calls }}.keep_theirs
{%- endmacro %}
