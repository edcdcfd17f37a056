{#-
    The page of a record in the account's web application; null where there is none. Lines
    and notes have no page of their own: `deal_id` says whose page shows them. A domain
    that is not a plain host label makes no link.
-#}
{% macro pipedrive_link(domain, entity, pipedrive_id, deal_id='null') -%}
    case
        when not regexp_full_match({{ domain }}, '[a-z0-9-]+') then null
        when {{ entity }} in ('organization', 'person', 'deal', 'product')
            then
                'https://' || {{ domain }} || '.pipedrive.com/' || {{ entity }} || '/'
                || {{ pipedrive_id }}
        else 'https://' || {{ domain }} || '.pipedrive.com/deal/' || {{ deal_id }}
    end
{%- endmacro %}
