"""What the documents say is what the seeds, the landed records, the ledger and Pipedrive hold.

Each expectation is counted from a place that the document's own query does not read.
"""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from migrate.documents.fields_page import LOSSES, POLICIES

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("scope", "data-dictionary", "order-line-dictionary", "rebuild-by-hand", "push-opt-ins")
# made only where the order strategy is lines_as_text
UNUSED = ("deal", "order_lines__c")
CELLS = re.compile(r"(?<!\\)\|")

Tables = dict[str, list[dict[str, str]]]


def unescaped(cell: str) -> str:
    return re.sub(r"\\([\\|`[])", r"\1", cell).replace("&lt;", "<")


def read(pages: Path, name: str) -> Tables:
    """Sections of a document's Markdown by heading, their rows by column."""
    sections: Tables = {}
    for section in (pages / "documents" / f"{name}.md").read_text("utf-8").split("\n## ")[1:]:
        heading, _, rest = section.partition("\n")
        rows = [
            [unescaped(cell.strip()) for cell in CELLS.split(line)[1:-1]]
            for line in rest.splitlines()
            if line.startswith("| ")
        ]
        sections[heading] = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    return sections


class Rendered(HTMLParser):
    """Headings and cells of a page, in their order."""

    def __init__(self):
        super().__init__()
        self.tables: dict[str, list[str]] = {}
        self.heading = self.within = ""

    def handle_starttag(self, tag, attrs):
        self.within = tag
        if tag == "h2":
            self.heading = ""
        elif tag == "td":
            self.tables[self.heading].append("")

    def handle_endtag(self, tag):
        if tag == "h2":
            self.tables[self.heading] = []
        self.within = "td" if tag in {"a"} else ""

    def handle_data(self, data):
        if self.within == "h2":
            self.heading += data
        elif self.within in {"td", "a"} and self.tables.get(self.heading):
            self.tables[self.heading][-1] += data


def seed(name: str) -> list[dict[str, str]]:
    with (ROOT / "seeds" / "mapping" / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def warehouse(migrated):
    with duckdb.connect(str(migrated.data_dir / "warehouse.duckdb"), read_only=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def landed(warehouse):
    """Payloads of a raw table."""

    def payloads(table: str) -> list[dict]:
        rows = warehouse.execute(f"select payload from raw_alpine_iq.{table}").fetchall()
        return [json.loads(payload) for (payload,) in rows]

    return payloads


@pytest.fixture(scope="module")
def dictionary(pages):
    return read(pages, "data-dictionary")


def fields_of(dictionary: Tables) -> dict[tuple[str, str], dict[str, str]]:
    """Rows of the dictionary by entity and column."""
    return {
        (heading.split(":")[0].lower().replace(" ", "_"), row["name"]): row
        for heading, rows in dictionary.items()
        if heading.endswith(" fields")
        for row in rows
    }


@pytest.mark.parametrize("name", NAMES)
def test_markdown_and_html_hold_the_same_cells_under_the_same_headings(pages, name):
    page = Rendered()
    page.feed((pages / "documents" / f"{name}.html").read_text("utf-8"))
    markdown = {
        heading: [cell for row in rows for cell in row.values()]
        for heading, rows in read(pages, name).items()
    }
    shown = {
        heading: [" ".join(re.sub("^[✓✗] ", "", cell).split()) for cell in cells]
        for heading, cells in page.tables.items()
    }
    assert shown == markdown
    assert sum(map(len, shown.values())) > 5


def test_the_dictionary_holds_every_field_of_the_catalogue_word_by_word(dictionary):
    found = fields_of(dictionary)
    catalogue = {(row["entity"], row["column_name"]): row for row in seed("fields.csv")}
    assert found.keys() == catalogue.keys()
    for key, row in found.items():
        listed = catalogue[key]
        assert row["label"] == listed["field_name"]
        assert row["type"] == listed["field_type"]
        assert row["source field"] == listed["source"]
        assert row["loss"] == listed["loss"]
        assert row["policy"] == listed["on_update"]
        assert row["personal"] == ("personal" if listed["is_personal"] == "true" else "")
        assert row["how to use it"] == listed["purpose"] != ""


def test_each_custom_field_has_the_code_that_the_ledger_wrote_down_in_this_account(
    dictionary, migrated
):
    with closing(sqlite3.connect(migrated.data_dir / "ledger.sqlite")) as ledger:
        codes = {
            (entity, column): code
            for entity, column, code in ledger.execute(
                "select entity, column_name, field_code from field_codes where state = 'active'"
            )
        }
    found = {
        key: row["code in this account"]
        for key, row in fields_of(dictionary).items()
        if row.get("code in this account")
    }
    assert found == codes
    assert all(re.fullmatch("[0-9a-f]{40}", code) for code in found.values())
    custom = {(r["entity"], r["column_name"]) for r in seed("fields.csv") if r["kind"] == "custom"}
    assert custom - found.keys() == {UNUSED}


def test_population_is_the_number_of_our_records_that_hold_a_value_in_pipedrive(
    dictionary, warehouse
):
    held = warehouse.execute(
        "select entity, column_name, count(*) from staging.stg_pipedrive__custom_values "
        "inner join ledger.id_map using (entity, pipedrive_id) group by all"
    ).fetchall()
    ours = dict(
        warehouse.execute(
            "select entity, count(*) from ledger.id_map where pipedrive_id is not null group by 1"
        ).fetchall()
    )
    found, compared = fields_of(dictionary), 0
    for entity, column, count in held:
        row = found[entity, column]
        if row["policy"] != "never_raise":  # an unknown consent counts as no value
            compared += 1
            assert row["filled"] == f"{count:,}", (entity, column)
            assert row["filled share"] == f"{count / ours[entity]:.1%}"
    assert compared > 30


def test_every_word_under_loss_and_policy_is_explained(dictionary):
    used = fields_of(dictionary).values()
    losses = {row["loss"]: row["meaning"] for row in dictionary["What the words under loss mean"]}
    policies = {
        row["policy"]: row["meaning"] for row in dictionary["What the words under policy mean"]
    }
    assert {row["loss"] for row in used} <= losses.keys()
    assert {row["policy"] for row in used} <= policies.keys()
    assert losses == LOSSES
    assert policies == POLICIES


def test_options_carry_the_ids_of_this_account_and_audiences_are_among_them(
    dictionary, migrated, landed
):
    with closing(sqlite3.connect(migrated.data_dir / "ledger.sqlite")) as ledger:
        ids = {str(row[0]) for row in ledger.execute("select option_id from option_ids")}
    options = dictionary["Options"]
    assert {row["id in this account"] for row in options} <= ids
    audiences = {row["option"].casefold() for row in options if row["field"] == "Audiences"}
    named = {re.sub("<[^>]*>", "", one["name"]).strip().casefold() for one in landed("audiences")}
    assert audiences == named != set()


def test_the_line_dictionary_says_of_every_member_of_a_landed_line_where_it_goes(pages, landed):
    document = read(pages, "order-line-dictionary")
    members = {
        row["path"]: row
        for row in document["Members of a line in Alpine IQ"]
        if row["resource"] == "contact_orders"
    }
    seen = {
        f"lines[].{name}"
        for orders in landed("contact_orders")
        for line in orders["lines"]
        for name, value in line.items()
        if value is not None and not isinstance(value, dict | list)
    }
    assert len(seen) > 15
    assert seen <= members.keys()
    assert all(row["decision"] in {"mapped", "note", "dropped"} for row in members.values())
    assert all(row["where it goes or why not"] for row in members.values())


def test_the_line_dictionary_names_each_column_that_a_line_has_in_pipedrive(pages, warehouse):
    columns = {row[0] for row in warehouse.execute("describe marts.mart_deal_products").fetchall()}
    rows = read(pages, "order-line-dictionary")["Where each part of a line crosses"]
    on_the_line = {row["name"] for row in rows if row["entity"] == "deal_product"}
    assert on_the_line == columns - {"source_key"}
    assert {row["entity"] for row in rows} == {"deal_product", "product", "deal", "note", "person"}


def test_the_lines_that_the_document_counts_are_those_in_pipedrive(pages, warehouse):
    rows = read(pages, "order-line-dictionary")["How lines were priced"]
    count, amount = warehouse.execute(
        "select count(*), sum(item_price_amount * quantity)::double from "
        "staging.stg_pipedrive__deal_products as lines inner join ledger.id_map on entity = "
        "'deal' and pipedrive_id = pipedrive_deal_id"
    ).fetchone()
    number = [{name: cell.replace(",", "") for name, cell in row.items()} for row in rows]
    assert sum(int(row["lines"]) for row in number) == count > 100
    assert sum(float(row["before discount"]) for row in number) == pytest.approx(amount, abs=0.1)


def test_the_program_and_its_tiers_read_as_alpine_iq_has_them(pages, landed):
    document = read(pages, "rebuild-by-hand")
    (program,) = landed("loyalty_program")
    (row,) = document["Loyalty program"]
    assert row["program"] == program["name"]
    assert float(row["points per dollar"]) == program["accrual"]
    assert row["expiry"] == f"{program['expiration']} days"
    assert [
        (float(tier["from points"].replace(",", "")), float(tier["discount"]))
        for tier in document["Tiers"]
    ] == [(tier["points"], tier["discount"]) for tier in program["tiers"]]


def test_the_inventory_says_of_each_rule_what_was_read_and_what_to_do(pages, landed):
    document = read(pages, "rebuild-by-hand")
    inventory = {row["rule"]: row for row in document["Inventory"]}
    (program,) = landed("loyalty_program")
    campaigns, contacts = landed("campaigns"), landed("contacts")
    repeating = sum(int(one["templates"]["recurDays"] or 0) > 0 for one in campaigns)
    active = sum(one["isActive"] is True for one in campaigns)
    invited = [one for one in contacts if float(one.get("optreqTime") or 0) > 0]
    expected = {
        "Accrual of points": f"{program['accrual']} points per dollar",
        "Expiry of points": f"after {program['expiration']} days",
        "Tier progression": f"{len(program['tiers'])} levels by points",
        "Campaigns": f"{len(campaigns)} found, {active} active",
        "Flows and sequences": f"{repeating} campaigns that repeat; no definition of a flow, for "
        "the API shows none",
    }
    assert {name: inventory[name]["read from the source"] for name in expected} == expected
    assert inventory["Double opt-in"]["read from the source"].startswith(f"{len(invited)} ")
    assert sum(int(row["contacts"]) for row in document["Double opt-in"]) == len(invited) > 0
    assert all(row["what to do"] for row in inventory.values())
    assert len(document["Campaigns, flows and sequences"]) == len(campaigns)
    assert len(document["Rewards and discounts"]) == len(landed("discounts"))
    audiences = {row["audience"]: row["size"] for row in document["Audiences"]}
    assert audiences == {
        " ".join(one["name"].split()): f"{one['audienceSize']:,}" for one in landed("audiences")
    }


def test_the_push_list_holds_those_who_agreed_and_no_name_or_address(pages, landed, warehouse):
    file = pages / "documents" / "push-opt-ins.csv"
    assert file.stat().st_mode & 0o077 == 0
    with file.open(encoding="utf-8-sig", newline="") as lines:
        listed = {row["source_key"]: row["channels"] for row in csv.DictReader(lines)}
    person_of = dict(
        warehouse.execute(
            "select contact_id, person_source_key from intermediate.int_contacts_dispositioned "
            "where disposition in ('person', 'merged')"
        ).fetchall()
    )
    flags = {"pushOptIn": "Mobile push", "browserPushOptIn": "Browser push"}
    agreed = {
        (person_of[one["contactID"]], channel)
        for one in landed("contact_details")
        for flag, channel in flags.items()
        if one.get(flag) is True and one["contactID"] in person_of
    }
    assert agreed
    assert agreed == {
        (key, channel)
        for key, channels in listed.items()
        for channel in channels.split("; ")
        if channel in flags.values()
    }
    text = file.read_text("utf-8")
    for one in landed("contacts"):
        assert not one.get("email") or one["email"] not in text
        assert not one.get("mobilePhone") or one["mobilePhone"] not in text


def test_the_scope_counts_what_was_landed(pages, landed, warehouse):
    document = read(pages, "scope")
    volumes = {row["object"]: int(row["records"].replace(",", "")) for row in document["Volumes"]}
    assert volumes["contacts listed"] == len(landed("contacts"))
    assert volumes["audiences"] == len(landed("audiences"))
    assert volumes["order lines"] == sum(len(each["lines"]) for each in landed("contact_orders"))
    stores = document["Volumes by store"]
    for column, mart in (
        *(("persons", "mart_persons"), ("deals", "mart_deals"), ("lines", "mart_deal_products")),
    ):
        (count,) = warehouse.execute(f"select count(*) from marts.{mart}").fetchone()
        assert sum(int(row[column].replace(",", "")) for row in stores) == count, column


def test_the_scope_holds_each_plan_s_caps_and_each_strategy_under_each_plan(pages, warehouse):
    document = read(pages, "scope")
    limits = {row["plan_name"]: row for row in seed("plan_limits.csv")}
    fields = document["Custom fields against each plan's cap"]
    assert {row["plan"]: row["custom field cap"] for row in fields} == {
        name: row["custom_field_cap"] for name, row in limits.items()
    }
    needed = sum(row["kind"] == "custom" for row in seed("fields.csv"))
    assert {row["fits"] for row in fields if int(row["custom field cap"]) < needed} == {"no"}
    assert {row["fits"] for row in fields if int(row["custom field cap"]) >= needed} == {"yes"}
    strategies = {
        row[0] for row in warehouse.execute("select strategy from plan.plan_strategies").fetchall()
    }
    deals = document["Leads and deals against each plan's cap"]
    assert {(row["plan"], row["strategy"]) for row in deals} == {
        (plan, strategy) for plan in limits for strategy in strategies
    }
    for row in deals:
        cap = int(limits[row["plan"]]["deals_per_seat"]) * 5
        assert row["deal cap"] == f"{cap:,}"
    assert [row["strategy"] for row in deals if row["is yours"] == "yes"] == ["all_deals"]
    assert {row["strategy"] for row in document["Ways for orders to cross"]} == strategies


def test_the_scope_lists_every_field_of_the_landed_contacts_with_its_fill(pages, landed):
    document = read(pages, "scope")
    rows = {row["field"]: row for row in document["Source fields"] if row["resource"] == "contacts"}
    contacts = landed("contacts")
    keys = {key for one in contacts for key in one}
    assert keys
    assert keys <= rows.keys()
    for name in ("email", "mobilePhone", "firstName"):
        filled = sum(bool(str(one.get(name) or "").strip()) for one in contacts)
        assert rows[name]["fill rate"] == f"{filled / len(contacts):.1%}", name
    assert all(row["proposed type"] for row in rows.values() if row["fill rate"] != "0.0%")


def test_the_scope_holds_the_whole_mapping_the_schema_and_what_is_still_to_be_decided(
    pages, warehouse
):
    document = read(pages, "scope")
    catalogue = seed("fields.csv")
    assert {(row["entity"], row["name"]) for row in document["Field mapping"]} == {
        (row["entity"], row["column_name"]) for row in catalogue
    }
    to_make = document["Custom fields to be created"]
    assert {(row["entity"], row["name"]) for row in to_make} == {
        (row["entity"], row["column_name"]) for row in catalogue if row["kind"] == "custom"
    } - {UNUSED}
    assert {row["is there"] for row in to_make} == {"yes"}
    others = document["Pipelines, stages and labels to be created"]
    stages = {row["name"] for row in others if row["kind"] == "stage"}
    assert stages == {row["stage_name"] for row in seed("pipeline_stages.csv")}
    (labels,) = warehouse.execute("select count(*) from marts.mart_labels").fetchone()
    assert sum(row["kind"] == "label" for row in others) == labels > 0
    assert [row["source object"] for row in document["Compatibility by object"]] == sorted(
        row["source_object"] for row in seed("compatibility.csv")
    )
    unconfirmed = warehouse.execute(
        "select 'store ' || store_id from intermediate.int_stores_configured "
        "where not is_confirmed order by 1"
    ).fetchall()
    stores = [
        row["what"] for row in document["Still to be decided"] if row["kind"] == "store_setting"
    ]
    assert stores == [name for (name,) in unconfirmed] != []


def test_nothing_in_the_documents_is_a_person_s_name_address_or_number(pages, warehouse):
    persons = warehouse.execute(
        "select name, emails[1].value, phones[1].value from marts.mart_persons"
    ).fetchall()
    looked_for = {value for row in persons for value in row if value and len(value) > 6}
    assert len(looked_for) > 50
    for name in NAMES:
        text = (pages / "documents" / f"{name}.md").read_text("utf-8")
        assert [value for value in looked_for if value in text] == [], name
