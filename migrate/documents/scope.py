"""The scope document: what there is, what fits, what it takes, before anything is written."""

from __future__ import annotations

from typing import Final

from migrate.documents.sheets import Section, Sheet

CAPS: Final = """
with size as (
    select
        (select count(*) from marts.mart_deals) as deals,
        (select count(*) from marts.mart_deals where status = 'open') as open_deals,
        (select count(*) from marts.mart_deals
            where close_time >= cast(current_date - interval 1 year as varchar)) as recent_deals,
        (select count(*) from mapping.fields where kind = 'custom') as fields
)
select limits.plan_name as plan, limits.custom_field_cap, size.fields as custom_fields_needed,
    size.fields <= limits.custom_field_cap as fields_fit,
    limits.deals_per_seat * totals.seats as deal_cap, size.deals as all_orders_as_deals,
    size.recent_deals as recent_as_deals, size.open_deals as archived_in_waves,
    size.deals <= limits.deals_per_seat * totals.seats as all_fit,
    limits.plan_name = totals.plan_name as is_yours
from mapping.plan_limits as limits cross join size cross join plan.plan_totals as totals
order by limits.custom_field_cap
"""
GRADE: Final = """
select case when sum(points) <= 3 then 'simple' when sum(points) <= 7 then 'moderate'
    else 'complex' end as grade, sum(points)::integer as points
from discovery.disc_complexity
"""
HIDDEN: Final = """
select visibility, coalesce(nullif(array_to_string(traces, ', '), ''), 'none') as found_by,
    count(*) as contacts
from intermediate.int_contacts_classified where visibility <> 'listed'
group by visibility, found_by order by contacts desc
"""

SCOPE: Final = Sheet(
    "scope",
    "Scope of the migration",
    "What this Alpine IQ account holds, how it fits into Pipedrive, and what a person still has "
    "to decide. Made from what was extracted; shows counts and no person.",
    (
        Section("Grade", "Up to 3 points simple, up to 7 moderate, above that complex.", GRADE),
        Section(
            "Reasons for the grade",
            "",
            "select reason, measured, points from discovery.disc_complexity "
            "order by points desc, reason",
        ),
        Section(
            "Volumes",
            "",
            "select object_name as object, row_count as records from discovery.disc_volumes "
            "order by object_name",
        ),
        Section(
            "Volumes by store",
            "Persons by home store, deals by the store of the order.",
            "select organizations.name as store, "
            "(select count(*) from marts.mart_persons as p "
            "where p.org__source_key = organizations.source_key) as persons, "
            "(select count(*) from marts.mart_deals as d "
            "where d.org__source_key = organizations.source_key) as deals "
            "from marts.mart_organizations as organizations order by 1",
        ),
        Section(
            "Compatibility by object",
            "",
            "select source_object, destination_object, compatibility, why "
            "from mapping.compatibility order by source_object",
        ),
        Section(
            "Caps",
            "Custom fields and deals against each plan's caps, with the seats as configured. "
            "Archived deals do not count; recent means the last 365 days.",
            CAPS,
        ),
        Section(
            "Contacts that lists hide",
            "How they were found. By default they are counted and never loaded.",
            HIDDEN,
        ),
        Section(
            "Store names that fit no store",
            "Names at the point of sale; each needs a line in the store's settings.",
            "select folded_name as store_name, problem, use_count "
            "from discovery.disc_store_names order by use_count desc",
        ),
        Section(
            "Loyalty program as configured",
            "",
            "select program_name as program, points_per_dollar, expiration_days, "
            "len(tiers) as tiers from staging.stg_alpine_iq__loyalty_program",
        ),
        Section(
            "Campaigns found",
            "",
            "select campaign_type as kind, is_active, count(*) as campaigns "
            "from staging.stg_alpine_iq__campaigns group by all order by all",
        ),
        Section(
            "Custom properties",
            "With the type that would fit; confirmed by committing a line of fields.csv.",
            "select spelling as property, spelling_count as spellings, contact_count as contacts, "
            "value_count as distinct_values, longest_value as longest, proposed_type, "
            "concat_ws(',', 'person', regexp_replace(property_name, '[^a-z0-9]+', '_', 'g') "
            "|| '__c', 'custom', spelling, proposed_type, 'contact_details.customAttributes', "
            "'none', 'source_wins', 'true', 'to be decided') as proposed_line "
            "from discovery.disc_custom_properties order by contact_count desc",
        ),
        Section(
            "Source fields",
            "Distinct values are estimates. The proposed line is one for fields.csv.",
            "select resource, field_name as field, fill_rate, distinct_count as distinct_values, "
            "longest_value as longest, source_type, proposed_type, decision, "
            "if(decision = 'undecided', proposed_line, '') as proposed_line "
            "from discovery.disc_fields order by resource, field_name",
        ),
        Section(
            "Field mapping",
            "Everything that crosses; custom fields are created in Pipedrive.",
            "select entity, field_name as label, column_name as name, kind, field_type as type, "
            "source, loss, on_update as policy, purpose from mapping.fields "
            "order by entity, kind, field_name",
        ),
    ),
)
