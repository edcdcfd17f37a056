"""The documents of a migration: what each section says and the query that fills it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Section:
    """One table under a heading."""

    title: str
    text: str
    sql: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One document; `csv` is the query of a list that people work through."""

    name: str
    title: str
    introduction: str
    sections: tuple[Section, ...]
    csv: str = ""


ENTITIES: Final = ("organization", "person", "product", "deal", "deal_product", "note")
KINDS: Final = {"deal_product": ("native",), "note": ("native",)}

DICTIONARY_COLUMNS: Final = """
select
    fields.field_name as label,
    fields.column_name as name,
    codes.field_code as code_in_this_account,
    fields.field_type as type,
    fields.source as source_field,
    fields.loss,
    fields.on_update as policy,
    if(fields.is_personal, 'personal', '') as personal,
    population.destination_filled as filled,
    round(100 * population.destination_rate, 1) as filled_percent,
    fields.purpose as used_for
from mapping.fields as fields
left join ledger.field_codes as codes
    on fields.entity = codes.entity and fields.column_name = codes.column_name
left join reconciliation.rec_field_population as population
    on fields.entity = population.entity and fields.column_name = population.column_name
where fields.entity = '{entity}' and fields.kind = '{kind}'
order by fields.field_name
"""
OPTIONS: Final = """
select options.entity, fields.field_name as field, options.option_label as option,
    ids.option_id as id_in_this_account
from mapping.field_options as options
inner join mapping.fields as fields
    on options.entity = fields.entity and options.column_name = fields.column_name
left join ledger.option_ids as ids
    on options.entity = ids.entity and options.column_name = ids.column_name
    and options.option_label = ids.option_label
order by options.entity, fields.field_name, options.rank, options.option_label
"""
PUSH: Final = """
select source_key, array_to_string(push_channels__c, '; ') as channels,
    org__source_key as store
from marts.mart_persons where len(push_channels__c) > 0 order by source_key
"""

DICTIONARY: Final = Sheet(
    "data-dictionary",
    "Data dictionary",
    "Every field that crosses: what it is called, where it comes from, what is lost on the way "
    "(none, lossy, snapshot: true when it was read), what a later run may change, and what it is "
    "good for. Codes are those of this Pipedrive account.",
    (
        *(
            Section(
                f"{entity.replace('_', ' ').capitalize()}: {kind} fields",
                "",
                DICTIONARY_COLUMNS.format(entity=entity, kind=kind),
            )
            for entity in ENTITIES
            for kind in (
                ("custom", "native") if entity not in {"deal_product", "note"} else ("native",)
            )
        ),
        Section("Options", "Declared options; audiences come from the data.", OPTIONS),
    ),
)
REBUILD: Final = Sheet(
    "rebuild-by-hand",
    "What must be rebuilt by hand",
    "Rules do not cross: Pipedrive runs no loyalty program. This is what was read from Alpine IQ "
    "about each, so that nobody has to remember it.",
    (
        Section(
            "Loyalty program",
            "Accrual and expiry.",
            "select program_name as program, points_per_dollar, expiration_days "
            "from staging.stg_alpine_iq__loyalty_program",
        ),
        Section(
            "Tiers",
            "Points that reach each tier, as configured, and members by tier as they crossed.",
            "select tier.points::double as from_points, tier.discount::double as discount "
            "from (select unnest(tiers) as tier from staging.stg_alpine_iq__loyalty_program) "
            "order by 1",
        ),
        Section(
            "Members by tier",
            "Progression stops on the day of the snapshot; somebody must keep it up.",
            "select coalesce(loyalty_tier__c, 'none') as tier, count(*) as persons "
            "from marts.mart_persons group by 1 order by 2 desc",
        ),
        Section(
            "Rewards and discounts",
            "Redemption rules.",
            "select discount_name as discount, discount_type as kind, points_deduction as points, "
            "dollar_value as dollars, percentage_value as percent, len(store_ids) as stores, "
            "len(audience_ids) as audiences, expires_at, is_archived "
            "from staging.stg_alpine_iq__discounts order by is_archived, discount_name",
        ),
        Section(
            "Audiences",
            "Membership is a snapshot; these traits decided it.",
            "select audience_name as audience, audience_size as size, "
            "array_to_string(list_transform(traits, x -> concat_ws(' = ', x.type, x.value)), '; ') "
            "as traits, points_multiplier, points_boost, is_archived "
            "from staging.stg_alpine_iq__audiences order by audience_name",
        ),
        Section(
            "Campaigns, flows and sequences",
            "Found by the API, which shows no flow's definition: read those in Alpine IQ itself.",
            "select campaign_name as campaign, campaign_type as kind, is_active, is_archived, "
            "created_at from staging.stg_alpine_iq__campaigns order by is_active desc, 1",
        ),
        Section(
            "Double opt-in",
            "People who were invited and never answered: they are not opted in, and must be asked "
            "again under the new sender.",
            "select count(*) as invited_without_an_answer from staging.stg_alpine_iq__contacts "
            "where sms_invited_at is not null and sms_opted_in_at is null "
            "and sms_opted_out_at is null",
        ),
    ),
)
PUSH_LIST: Final = Sheet(
    "push-opt-ins",
    "Push notifications: whom to enrol again",
    "Push tokens belong to the app that sent them and can not move. These people had agreed to "
    "push messages; the CSV beside this page lists their keys.",
    (
        Section(
            "People by channel",
            "",
            "select channel, count(*) as persons from (select unnest(push_channels__c) as channel "
            "from marts.mart_persons) group by channel order by channel",
        ),
        Section(
            "Tokens seen in Alpine IQ",
            "",
            "select count(*) filter (where push_token_count > 0) as contacts_with_a_token, "
            "coalesce(sum(push_token_count), 0)::bigint as tokens "
            "from staging.stg_alpine_iq__contact_details",
        ),
    ),
    csv=PUSH,
)
DOCUMENTS: Final = (DICTIONARY, REBUILD, PUSH_LIST)
