"""The data dictionary, and the same for the lines of orders alone."""

from __future__ import annotations

from typing import Final

from migrate.documents.fields_page import LOSSES, POLICIES
from migrate.documents.sheets import Section, Sheet, rows_of

KINDS: Final = (
    *(("organization", "custom"), ("organization", "native")),
    *(("person", "custom"), ("person", "native")),
    *(("product", "custom"), ("product", "native")),
    *(("deal", "custom"), ("deal", "native")),
    *(("deal_product", "native"), ("note", "native"), ("activity", "native")),
    ("file", "native"),
)
CODE: Final = "codes.field_code as code_in_this_account,"
COLUMNS: Final = """
    {code}
    fields.field_type as type,
    fields.source as source_field,
    fields.loss,
    fields.on_update as policy,
    if(fields.is_personal, 'personal', '') as personal,
    population.destination_filled as filled,
    population.destination_filled / nullif(population.destination_records, 0) as filled_share,
    fields.purpose as how_to_use_it
from mapping.fields as fields
left join ledger.field_codes as codes
    on fields.entity = codes.entity and fields.column_name = codes.column_name
left join reconciliation.rec_field_population as population
    on fields.entity = population.entity and fields.column_name = population.column_name
"""
OF_KIND: Final = (
    f"select fields.field_name as label, fields.column_name as name, {COLUMNS} "
    "where fields.entity = '{entity}' and fields.kind = '{kind}' order by fields.field_name"
)
OPTIONS: Final = """
select options.entity, fields.field_name as field, options.option_label as option,
    ids.option_id::varchar as id_in_this_account
from marts.mart_field_options as options
inner join mapping.fields as fields
    on options.entity = fields.entity and options.column_name = fields.column_name
left join ledger.option_ids as ids
    on options.entity = ids.entity and options.column_name = ids.column_name
    and options.option_label = ids.option_label
order by options.entity, fields.field_name, options.rank, options.option_label
"""
LEGEND: Final = (
    Section(
        "What the words under loss mean",
        "",
        rows_of("loss, meaning", LOSSES),
    ),
    Section(
        "What the words under policy mean",
        "What a later run may do to a value that is in Pipedrive already.",
        rows_of("policy, meaning", POLICIES),
    ),
)
DICTIONARY: Final = Sheet(
    "data-dictionary",
    "Data dictionary",
    "Every field that crosses: its label in Pipedrive, its name in this project, its code in this "
    "Pipedrive account, where it comes from, what is lost on the way, what a later run may change, "
    "in how many records it has a value, and how to use it. Code and population stay empty until "
    "the fields were made and the load was verified; native fields have no code of their own.",
    (
        *(
            Section(
                f"{entity.replace('_', ' ').capitalize()}: {kind} fields",
                "",
                OF_KIND.format(entity=entity, kind=kind, code=CODE if kind == "custom" else ""),
            )
            for entity, kind in KINDS
        ),
        Section("Options", "Audiences, tiers and categories come from the data.", OPTIONS),
        *LEGEND,
    ),
)

LINE_FIELDS: Final = (
    "select fields.field_name as label, fields.entity, fields.column_name as name, "
    f"{COLUMNS.format(code=CODE)} "
    "where fields.entity = 'deal_product' or fields.source like 'order_lines.%' "
    "order by array_position(['deal_product', 'product', 'deal', 'note', 'person'], "
    "fields.entity), fields.field_name"
)
MEMBERS: Final = """
select listed.resource, listed.path, listed.decision, listed.reason as where_it_goes_or_why_not
from mapping.source_paths as listed
where listed.resource in ('contact_orders', 'export_sales_lines')
order by listed.resource, listed.path
"""
PRICED: Final = """
select lines.priced_by as price_from, lines.is_refund as gives_money_back,
    count(*) as lines, sum(lines.quantity * lines.item_price)::double as before_discount,
    sum(lines.discount)::double as discount
from intermediate.int_order_lines_priced as lines
inner join marts.mart_deal_products as crossing on lines.source_key = crossing.source_key
group by lines.priced_by, lines.is_refund order by lines desc, price_from, gives_money_back
"""
STATUSES: Final = """
select statuses.raw_status as status_in_alpine_iq, statuses.order_status,
    stages.deal_status, stages.stage_name as stage
from mapping.order_statuses as statuses
left join mapping.pipeline_stages as stages on statuses.order_status = stages.order_status
order by statuses.raw_status
"""
LINE_DICTIONARY: Final = Sheet(
    "order-line-dictionary",
    "Order line item dictionary",
    "Pipedrive has no custom object for the lines of an order. A line becomes a product on a deal; "
    "what describes the article crosses on the product, what describes the order on the deal.",
    (
        Section(
            "Where each part of a line crosses",
            "The entity says where to look: on the line, its product, its deal, a note; the person "
            "holds only the date of the last one.",
            LINE_FIELDS,
        ),
        Section(
            "Members of a line in Alpine IQ",
            "Every member that the API and the sales export show, with what was decided about it.",
            MEMBERS,
        ),
        Section(
            "How lines were priced",
            "A refund has a positive quantity and a negative price; an adjustment is the order's "
            "total less its lines, so that the deal keeps the total.",
            PRICED,
        ),
        Section(
            "Statuses",
            "What a status on a line makes of the deal.",
            STATUSES,
        ),
        *LEGEND,
    ),
)
