"""The scope document: what there is, what fits, what it takes, before anything is written."""

from __future__ import annotations

from typing import Final

from migrate.documents.rebuild import PROGRAM, TIER_RULES, TIERS
from migrate.documents.sheets import Section, Sheet

FIELD_CAPS: Final = """
select limits.plan_name as plan, limits.custom_field_cap,
    totals.custom_fields_needed, totals.custom_fields_needed <= limits.custom_field_cap as fits,
    limits.plan_name = totals.plan_name as is_yours
from mapping.plan_limits as limits cross join plan.plan_totals as totals
order by limits.custom_field_cap
"""
# waves of archived deals are cut to the free cap, so they are never more than it
DEAL_CAPS: Final = """
select limits.plan_name as plan, strategies.strategy,
    limits.deals_per_seat * totals.seats as deal_cap,
    if(strategies.strategy like 'archived%',
        least(totals.deals_after_load, limits.deals_per_seat * totals.seats),
        strategies.deals_at_most) as deals_at_most,
    if(strategies.strategy like 'archived%', true,
        strategies.deals_at_most <= limits.deals_per_seat * totals.seats) as fits,
    limits.plan_name = totals.plan_name and strategies.is_chosen as is_yours
from mapping.plan_limits as limits
cross join plan.plan_strategies as strategies cross join plan.plan_totals as totals
order by limits.deals_per_seat, deals_at_most desc, strategies.strategy
"""
STRATEGIES: Final = """
select strategy, tokens, days::double as days, deals_at_most, deal_cap, fits_cap, fits_calendar,
    is_chosen, is_recommended, reporting_lost
from plan.plan_strategies order by tokens desc, strategy
"""
FIELDS_TO_MAKE: Final = """
select fields.entity, fields.field_name as label, fields.column_name as name,
    fields.field_type as type,
    nullif((select count(*) from plan.plan_field_options as options
        where options.entity = fields.entity and options.column_name = fields.column_name), 0)
        as options,
    fields.is_personal as personal, codes.field_code is not null as is_there
from plan.plan_fields as fields
left join ledger.field_codes as codes
    on fields.entity = codes.entity and fields.column_name = codes.column_name
where fields.field_type <> 'native' order by fields.entity, fields.field_name
"""
OTHERS_TO_MAKE: Final = """
select kind, name, belongs_to, rank from (
    select 1 as position, 'pipeline' as kind, name, null as belongs_to, null as rank
    from plan.plan_pipelines
    union all
    select 2, 'stage', name, pipeline__source_key, rank from plan.plan_stages
    union all
    select 3, 'label', label_name, entity, rank from plan.plan_labels
) order by position, belongs_to, rank, name
"""
PROPERTIES: Final = """
select spelling as property, spelling_count as spellings, contact_count as contacts,
    contact_count / nullif((select count(*) from intermediate.int_contacts_united), 0)
        as filled_share,
    value_count as distinct_values, longest_value as longest, proposed_type, decision,
    column_name as name, line_for_property_fields, line_for_fields
from discovery.disc_custom_properties order by contact_count desc, property
"""
GRADE: Final = """
select case when sum(points) <= 3 then 'simple' when sum(points) <= 7 then 'moderate'
    else 'complex' end as grade, sum(points)::integer as points
from discovery.disc_complexity
"""
BY_STORE: Final = """
with counted as (
    select org__source_key, 1 as persons, 0 as deals, 0 as lines from marts.mart_persons
    union all
    select org__source_key, 0, 1, 0 from marts.mart_deals
    union all
    select deals.org__source_key, 0, 0, 1 from marts.mart_deal_products as lines
    inner join marts.mart_deals as deals on lines.deal__source_key = deals.source_key
    union all
    select source_key, 0, 0, 0 from marts.mart_organizations
)
select coalesce(stores.name, 'no store') as store, sum(persons)::bigint as persons,
    sum(deals)::bigint as deals, sum(lines)::bigint as lines
from counted
left join marts.mart_organizations as stores on counted.org__source_key = stores.source_key
group by counted.org__source_key, stores.name order by stores.name nulls last
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
            "Persons by home store, deals and lines by the store of the order.",
            BY_STORE,
        ),
        Section(
            "Compatibility by object",
            "",
            "select source_object, destination_object, compatibility, why "
            "from mapping.compatibility order by source_object",
        ),
        Section(
            "Custom fields against each plan's cap",
            "Ours and those that are there already, over all entities; the cap is the company's.",
            FIELD_CAPS,
        ),
        Section(
            "Leads and deals against each plan's cap",
            "With the seats as configured; archived deals do not count. A strategy is only ever "
            "chosen in account.toml.",
            DEAL_CAPS,
        ),
        Section(
            "Ways for orders to cross",
            "What each strategy costs on your plan, and what people can no longer report on.",
            STRATEGIES,
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
            "Accrual and expiry, and which lane said so.",
            PROGRAM,
        ),
        Section("Tiers as configured", "Points that reach each tier.", TIERS),
        Section(
            "Rules that give a tier",
            "tier_rules.csv, tried in this order.",
            TIER_RULES,
        ),
        Section(
            "Campaigns, automations and flows found",
            "The API lists campaigns; it shows neither automations nor flows, which somebody has "
            "to read on the screens of Alpine IQ.",
            "select campaign_type as kind, is_active, is_archived, count(*) as campaigns "
            "from staging.stg_alpine_iq__campaigns group by all order by all",
        ),
        Section(
            "Still to be decided",
            "A line to mend and commit to the seed named; nothing takes it by itself.",
            "select kind, what, seed_file, proposed_line from discovery.disc_decisions_open "
            "order by kind, what",
        ),
        Section(
            "Custom properties",
            "With the type that would fit. What nobody decided has the lines for "
            "property_fields.csv and fields.csv; a person confirms them with a commit.",
            PROPERTIES,
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
            "Everything that crosses.",
            "select entity, field_name as label, column_name as name, kind, field_type as type, "
            "source, loss, on_update as policy, if(is_personal, 'personal', '') as personal, "
            "purpose as how_to_use_it from mapping.fields order by entity, kind, field_name",
        ),
        Section("Custom fields to be created", "", FIELDS_TO_MAKE),
        Section("Pipelines, stages and labels to be created", "", OTHERS_TO_MAKE),
    ),
)
