"""Whatever goes wrong in the destination, `verify` finds it and says what it is.

Every kind of corruption below is planted in one account, in records of its own; then one verify,
by the real read-back and dbt. Each defect must be named on the very record and field, with one of
the words given; nothing else may be reported; and the untouched account reports nothing at all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from migrate.gates import judge
from migrate.outcome import INVARIANT_BROKEN

EDITED = ("edited_since", "different")
GONE = ("not in the destination",)
Found = tuple[str, str, str | None]


@dataclass(frozen=True)
class Defect:
    """`plant` does it and gives the findings to expect: entity, key, column (None: the record).
    `beside`: columns of the same record that change with it, in Pipedrive's own way."""

    kind: str
    plant: Callable[[Any], list[Found]]
    named: tuple[str, ...] = EDITED
    beside: tuple[str, ...] = ()


def of(entity: str, column: str, change: Callable[[Any], Any], fits: Any = None) -> Any:
    """Change one value of one record."""

    def plant(desk: Any) -> list[Found]:
        kept = desk.pick(entity, column, fits)
        desk.write(kept, column, change(kept.values[column]))
        return [(entity, kept.source_key, column)]

    return plant


def mixed_up(entity: str, column: str) -> Any:
    """Give one record the value of another."""

    def plant(desk: Any) -> list[Found]:
        kept = desk.pick(entity, column)
        desk.write(kept, column, desk.another(entity, column, kept.values[column]))
        return [(entity, kept.source_key, column)]

    return plant


def swapped(entity: str, column: str) -> Any:
    """Two records exchange their values."""

    def plant(desk: Any) -> list[Found]:
        one = desk.pick(entity, column)
        other = desk.pick(entity, column, lambda value: value != one.values[column])
        desk.write(one, column, other.values[column])
        desk.write(other, column, one.values[column])
        return [(entity, one.source_key, column), (entity, other.source_key, column)]

    return plant


def moved(entity: str, column: str, parent: str) -> Any:
    """Hang a record on another parent."""

    def plant(desk: Any) -> list[Found]:
        kept = desk.pick(entity, column)
        number = desk.id_of(parent, other_than=kept.values[column])
        desk.write(kept, column.replace("__source_key", "_id"), number)
        return [(entity, kept.source_key, column)]

    return plant


def deleted(entity: str) -> Any:
    def plant(desk: Any) -> list[Found]:
        kept = desk.pick_whole(entity, childless=True)
        if entity == "deal_product":
            desk.api("DELETE", desk.line(kept))
            deal = kept.values["deal__source_key"]
            return [(entity, kept.source_key, None), ("deal", deal, "value")]
        desk.edit("delete", entity=entity, id=kept.id)
        return [(entity, kept.source_key, None)]

    return plant


def key_cleared(entity: str) -> Any:
    def plant(desk: Any) -> list[Found]:
        kept = desk.pick(entity, "migration_key__c")
        desk.write(kept, "migration_key__c", None)
        return [(entity, kept.source_key, None)]

    return plant


def key_cut_off(entity: str, column: str) -> Any:
    """Lines and notes carry their key at the end of a text."""

    def plant(desk: Any) -> list[Found]:
        kept = desk.pick(entity, column)
        key = f"[{kept.source_key}]"
        assert key in kept.values[column]
        desk.write(kept, column, kept.values[column].replace(key, ""))
        return [(entity, kept.source_key, None), (entity, kept.source_key, column)]

    return plant


def key_of_another(desk: Any) -> list[Found]:
    owner, thief = desk.pick_whole("person"), desk.pick_whole("person")
    desk.write(thief, "migration_key__c", owner.source_key)
    return [("person", owner.source_key, None), ("person", thief.source_key, "migration_key__c")]


def doubled_with_another_missing(desk: Any) -> list[Found]:
    """Counts agree afterwards: only keys tell."""
    gone, double = desk.pick_whole("deal", childless=True), desk.pick_whole("deal")
    desk.edit("delete", entity="deal", id=gone.id)
    changes = {
        "title": double.values["title"],
        "custom_fields_by_name": {"Migration key": double.source_key},
    }
    desk.edit("create", entity="deal", changes=changes)
    return [("deal", gone.source_key, None), ("deal", double.source_key, None)]


def merged(desk: Any) -> list[Found]:
    loser = desk.pick_whole("person", childless=True)
    winner = desk.pick_whole("person")
    desk.edit("merge", entity="person", id=loser.id, merge_with_id=winner.id)
    return [("person", loser.source_key, None)]


def archived(desk: Any) -> list[Found]:
    kept = desk.pick_whole("deal")
    desk.edit("archive", entity="deal", id=kept.id)
    return [("deal", kept.source_key, None)]


def won_reopened(desk: Any) -> list[Found]:
    kept = desk.pick("deal", "status", lambda status: status == "won")
    desk.write(kept, "status", "open")
    return [("deal", kept.source_key, "status")]


def line_changed(column: str, change: Callable[[Any], Any]) -> Any:
    def plant(desk: Any) -> list[Found]:
        kept = desk.pick("deal_product", column)
        desk.write(kept, column, change(kept.values[column]))
        deal = kept.values["deal__source_key"]
        desk.touched.add((deal, "value"))
        return [("deal_product", kept.source_key, column), ("deal", deal, "value")]

    return plant


def option_renamed(desk: Any) -> list[Found]:
    desk.edit("rename_option", entity="person", field="Gender", label="Female", new_label="Woman")
    return [
        ("person", one.source_key, "gender__c")
        for one in desk.records["person"]
        if one.values.get("gender__c") == "Female" and one.source_key not in desk.spoilt
    ]


def field_deleted(desk: Any) -> list[Found]:
    desk.edit("delete_field", entity="organization", field="Online shop")
    return [
        ("organization", one.source_key, "online_shop_url__c")
        for one in desk.records["organization"]
        if "online_shop_url__c" in one.values
    ]


def label_lost(desk: Any) -> list[Found]:
    kept = desk.pick("person", "label_names")
    desk.write(kept, "label_ids", [])
    return [("person", kept.source_key, "label_names")]


def price_changed(prices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"price": one["price"] + 1, "currency": one["currency"]} for one in prices]


def other_hours(text: str) -> str:
    """Eight hours off, the same instant to nobody."""
    hour = int(text[11:13])
    return f"{text[:11]}{(hour + 8) % 24:02d}{text[13:]}"


def a_day_early(text: str) -> str:
    day = int(text[8:10])
    return f"{text[:8]}{day - 1 if day > 1 else day + 1:02d}"


def one_digit_off(phones: list[dict[str, Any]]) -> list[dict[str, Any]]:
    number = phones[0]["value"]
    return [{**phones[0], "value": number[:-1] + str((int(number[-1]) + 1) % 10)}, *phones[1:]]


def is_listed(value: Any) -> bool:
    return len(value) > 1


PERSONS = (
    Defect("phones of two people swapped", swapped("person", "phones")),
    Defect("a digit of a phone", of("person", "phones", one_digit_off)),
    Defect("phone removed", of("person", "phones", lambda _: []), ("missing",)),
    Defect(
        "e-mail with a typing error",
        of("person", "emails", lambda v: [{**v[0], "value": "x" + v[0]["value"]}, *v[1:]]),
    ),
    Defect(
        "e-mail added",
        of("person", "emails", lambda v: [*v, {"value": "new@mail.example.com", "primary": False}]),
        ("extra",),
    ),
    Defect("name of another", mixed_up("person", "name")),
    Defect("consent lost", of("person", "email_opt_in__c", lambda _: None), ("missing",)),
    Defect(
        "consent lowered",
        of("person", "email_opt_in__c", lambda _: "No", lambda v: v != "No"),
    ),
    Defect(
        "consent raised",
        of("person", "sms_opt_in__c", lambda _: "Yes", lambda v: v != "Yes"),
        ("different",),
    ),
    Defect("consent's time shifted", of("person", "sms_consent_time__c", other_hours)),
    Defect("points off by one", of("person", "loyalty_points__c", lambda v: v + 1)),
    Defect("points of two people swapped", swapped("person", "loyalty_points__c")),
    Defect("tier mixed up", mixed_up("person", "loyalty_tier__c")),
    Defect("birth date a day early", of("person", "birth_date__c", a_day_early)),
    Defect("medical id lost", of("person", "med_id__c", lambda _: None), ("missing",)),
    Defect(
        "source ids cut", of("person", "aiq_source_ids_all__c", lambda v: v[:-3]), ("truncated",)
    ),
    Defect("letter case of a code", of("person", "refer_code__c", str.lower)),
    Defect(
        "a cent of total spent",
        of("person", "total_spent__c", lambda v: {**v, "value": round(v["value"] + 0.01, 2)}),
    ),
    Defect(
        "currency of total spent",
        of("person", "total_spent__c", lambda v: {**v, "currency": "EUR"}),
    ),
    Defect(
        "address of elsewhere", of("person", "address__c", lambda _: {"value": "1 Elsewhere Road"})
    ),
    Defect(
        "audience lost from the list", of("person", "audience_list__c", lambda v: v[1:], is_listed)
    ),
    Defect("label lost", label_lost, ("missing",)),
    Defect(
        "person at another store",
        moved("person", "org__source_key", "organization"),
        ("wrong_parent",),
    ),
    Defect("order date mixed up", mixed_up("person", "last_order_date__c")),
)
DEALS = (
    Defect(
        "deal of another person", moved("deal", "person__source_key", "person"), ("wrong_parent",)
    ),
    Defect(
        "deal of another store", moved("deal", "org__source_key", "organization"), ("wrong_parent",)
    ),
    Defect(
        "order total off by a cent",
        of("deal", "order_total__c", lambda v: {**v, "value": round(v["value"] + 0.01, 2)}),
    ),
    Defect(
        "won time shifted by a zone", of("deal", "won_time", other_hours), beside=("close_time",)
    ),
    Defect("order time shifted by a zone", of("deal", "order_time__c", other_hours)),
    Defect("order date a day early", of("deal", "order_date__c", a_day_early)),
    Defect("won deal open again", won_reopened, beside=("won_time", "close_time")),
    Defect("order status mixed up", mixed_up("deal", "order_status__c")),
    Defect("title cut", of("deal", "title", lambda v: v[:-2]), ("truncated",)),
    Defect("attribution lost", of("deal", "deal_attr_source__c", lambda _: None), ("missing",)),
    Defect("attribution cut", of("deal", "deal_attr_raw__c", lambda v: v[:20]), ("truncated",)),
    Defect("employee of another", mixed_up("deal", "order_employee__c")),
)
OTHERS = (
    Defect("quantity of a line", line_changed("quantity", lambda v: v + 1)),
    Defect("price of a line", line_changed("item_price", lambda v: v + 1)),
    Defect(
        "note rewritten",
        of("note", "content", lambda v: v.replace("Attribution", "Something else")),
    ),
    Defect("note on another deal", moved("note", "deal__source_key", "deal"), ("wrong_parent",)),
    Defect("product renamed", of("product", "name", lambda v: "Old " + v)),
    Defect("price of a product", of("product", "prices", price_changed)),
    Defect("SKU with a zero too many", of("product", "code", lambda v: "0" + v)),
    Defect("category mixed up", mixed_up("product", "product_category__c")),
    Defect("store renamed", of("organization", "name", lambda v: v + " 2")),
    Defect("store's zone mixed up", of("organization", "store_time_zone__c", lambda _: "UTC")),
    Defect(
        "store's address", of("organization", "address", lambda _: {"value": "1 Elsewhere Road"})
    ),
)
KEYS = (
    Defect("person's key cleared", key_cleared("person"), ("migration key lost",)),
    Defect("deal's key cleared", key_cleared("deal"), ("migration key lost",)),
    Defect("store's key cleared", key_cleared("organization"), ("migration key lost",)),
    Defect(
        "note's key cut off",
        key_cut_off("note", "content"),
        ("migration key lost", "truncated", *EDITED),
    ),
    Defect(
        "line's key cut off",
        key_cut_off("deal_product", "comments"),
        ("migration key lost", "truncated", *EDITED),
    ),
)
WHOLE_RECORDS = (
    Defect("line deleted", deleted("deal_product"), (*GONE, *EDITED)),
    Defect("note deleted", deleted("note"), GONE),
    Defect("person deleted", deleted("person"), GONE),
    Defect(
        "deal doubled, another missing",
        doubled_with_another_missing,
        (*GONE, "key on several records"),
    ),
    Defect("two people merged", merged, GONE),
    Defect("deal archived", archived, ("archived",)),
    Defect("key of another", key_of_another, ("key of another record", *EDITED)),
)
SCHEMA = (
    Defect("option renamed", option_renamed),
    Defect("field deleted", field_deleted, ("missing",)),
)
DEFECTS = (*WHOLE_RECORDS, *PERSONS, *DEALS, *OTHERS, *KEYS, *SCHEMA)


def harmless(desk: Any) -> None:
    """What people may do without anybody having to hear of it."""
    phone = desk.pick("person", "phones")
    first = phone.values["phones"][0]
    number = first["value"]
    spaced = f"{number[:2]} ({number[2:5]}) {number[5:]}"
    desk.write(phone, "phones", [{**first, "value": spaced}, *phone.values["phones"][1:]])
    email = desk.pick("person", "emails")
    first = email.values["emails"][0]
    louder = {**first, "value": first["value"].upper()}
    desk.write(email, "emails", [louder, *email.values["emails"][1:]])
    product = desk.pick("product", "name")
    desk.write(product, "name", product.values["name"].replace(" ", "  ", 1))
    desk.edit("create", entity="person", changes={"name": "Somebody of their own"})
    desk.edit("rename_field", entity="person", field="Referral code", name="Code for friends")


@dataclass(frozen=True)
class Verified:
    """The one verify after everything was planted."""

    outcome: Any
    planted: list[tuple[Defect, list[Found]]]
    findings: dict[Found, set[str]]
    merged_into: frozenset[str]


@pytest.fixture(scope="module")
def verified(copied: Any, tmp_path_factory: pytest.TempPathFactory) -> Verified:
    from load.progress import Silent
    from migrate import account, steps

    desk = copied.desk
    planted = [(defect, defect.plant(desk)) for defect in DEFECTS]
    harmless(desk)
    elsewhere = tmp_path_factory.mktemp("no settings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIQ2PD_DATA_DIR", str(copied.data_dir))
        patch.setenv("AIQ2PD_ENV_FILE", str(elsewhere / ".env"))
        patch.setenv("AIQ2PD_ACCOUNT_FILE", str(elsewhere / "account.toml"))
        outcome = steps.verify_target(account.on_sandbox(desk.info), Silent())
    findings: dict[Found, set[str]] = {}
    for entity, key, column, problem in copied.ask(
        "select entity, source_key, column_name, problem from reconciliation.remediation "
        "where problem not like 'quarantine: %' and problem not like 'skip%'"
    ):
        findings.setdefault((entity, key, column), set()).add(problem)
    return Verified(outcome, planted, findings, frozenset(desk.spoilt))


def test_thirty_kinds_and_more_are_planted():
    assert len({defect.kind for defect in DEFECTS}) == len(DEFECTS) >= 60


def test_every_planted_defect_is_found_and_named(verified, capsys):
    table, lost = [], []
    for defect, expected in verified.planted:
        assert expected, defect.kind
        words = {one: verified.findings.get(one, set()) for one in expected}
        fit = all(found & set(defect.named) for found in words.values())
        shown = ", ".join(sorted(set().union(*words.values()))) or "NOTHING"
        table.append(f"{defect.kind:34} {len(expected):3} planted  {shown}")
        if not fit:
            lost.append(f"{defect.kind}: {words}")
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(table) + "\n")
    assert lost == []


def test_nothing_else_is_reported(verified):
    expected = {one for _, found in verified.planted for one in found}
    beside = {
        (entity, key, column)
        for defect, found in verified.planted
        for entity, key, _ in found
        for column in defect.beside
    }
    # a merge leaves its traces on the one that stays
    false = {
        one: problems
        for one, problems in verified.findings.items()
        if one not in expected | beside and one[1] not in verified.merged_into
    }
    assert sorted(false.items(), key=str) == []


def test_a_raised_consent_stops_everything_and_stands_first(verified, copied):
    assert verified.outcome.exit_code == INVARIANT_BROKEN
    severities = copied.ask("select severity from reconciliation.remediation")
    assert severities[0] == ("critical",)
    assert severities.count(("critical",)) == 1


def test_counts_agree_although_a_deal_is_missing(verified, copied):
    """Why keys are compared and not counts."""
    ((expected, there, missing, extra),) = copied.ask(
        "select expected, in_destination, missing, extra from reconciliation.rec_counts "
        "where entity = 'deal'"
    )
    assert missing == 1
    assert extra == 1
    assert there <= expected


def test_lost_labels_and_stores_without_organization_have_tables_and_gates_of_their_own(
    verified, copied
):
    lost = {
        key
        for defect, found in verified.planted
        if defect.kind == "label lost"
        for _, key, _ in found
    }
    failed = copied.ask("select source_key, problem from reconciliation.rec_labels_failed")
    assert (
        {key for key, problem in failed if problem == "the person lacks the label"} >= lost != set()
    )
    unmatched = copied.ask(
        "select kind, source_key from reconciliation.rec_organizations_unmatched"
    )
    cleared = {
        key
        for defect, found in verified.planted
        if defect.kind == "store's key cleared"
        for _, key, _ in found
    }
    assert {key for kind, key in unmatched if kind == "store"} == cleared != set()
    red = {gate.name for gate in judge(copied.data_dir / "warehouse.duckdb").red}
    assert {"labels_failed", "organizations_unmatched"} <= red


def test_the_untouched_account_gives_no_alarm(migrated, copied):
    import duckdb

    with duckdb.connect(str(migrated.data_dir / "warehouse.duckdb"), read_only=True) as warehouse:
        alarms = warehouse.execute(
            "select entity, source_key, column_name, problem from reconciliation.remediation "
            "where problem not like 'quarantine: %'"
        ).fetchall()
    assert alarms == []
    assert migrated.outcomes["verify"].exit_code == 0
