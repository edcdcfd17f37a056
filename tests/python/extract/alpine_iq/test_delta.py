"""A second extraction asks for what changed, counts what came late, and ends like a whole one."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from extract.alpine_iq import delta
from extract.alpine_iq.landing import ALPINE_IQ
from extract.alpine_iq.run import ExtractionResult
from extract.alpine_iq.settings import ROLLING_SLICES
from extract.landing import Warehouse
from load.errors import RetryLater

from .sandboxed import Simulated, content, keys, rows

# what hidden contacts are known by differs: a chain has seen them while they were listed
COMPARED = (
    "stores", "contacts", "audiences", "audience_members", "loyalty_program", "discounts",
    "discount_groups", "campaigns", "adjustments", "redemptions", "conversions",
)  # fmt: skip


@dataclass(frozen=True)
class Once:
    """A data folder in which the account was landed once, and the ids that it lists."""

    folder: Path
    ids: list[str]


@pytest.fixture(scope="module")
def once(simulator: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Once:
    simulator.post("reset", {})
    folder = tmp_path_factory.mktemp("once") / "data"
    simulator.extract(folder)
    return Once(folder, sorted(keys(folder, "contacts")))


@pytest.fixture
def data(once: Once, simulated: Simulated, tmp_path: Path) -> Path:
    return Path(shutil.copytree(once.folder, tmp_path / "data"))


def edit(simulated: Simulated, action: str, contact_id: str, **more: Any) -> None:
    simulated.post("edit", {"action": action, "contactID": contact_id, **more})


def calls_for_orders(simulated: Simulated) -> int:
    """By the service's own log."""
    return sum("/contact/orders/" in call["path"] for call in simulated.log())


def asked_for(data: Path, result: ExtractionResult) -> set[str]:
    """Contacts that a run has asked for one by one."""
    found = rows(
        data,
        "select record_key from raw_alpine_iq.contact_watermarks "
        f"where payload ->> 'run_id' = '{result.run_id}'",
    )
    return {key for (key,) in found}


def detail(data: Path, contact_id: str, member: str) -> str | None:
    found = rows(
        data,
        f"select payload ->> '{member}' from raw_alpine_iq.contact_details "
        f"where record_key = '{contact_id}'",
    )
    return found[0][0] if found else None


def test_a_delta_over_an_unchanged_account_asks_for_its_slice_alone(
    simulated: Simulated, once: Once, data: Path
) -> None:
    before = content(data)
    result = simulated.extract(data, delta=True)
    assert content(data) == before
    assert result.asked_for == calls_for_orders(simulated) < len(once.ids) / 4
    assert result.late == dict.fromkeys(result.late, 0)
    assert result.calls == result.minimum_calls == len(simulated.log())


def test_twenty_deltas_in_a_row_ask_for_everybody_once(once: Once) -> None:
    warehouse = Warehouse(once.folder, ALPINE_IQ)
    now, start = delta.marks(warehouse), datetime(2026, 1, 1, tzinfo=UTC)
    asked = Counter(
        key
        for number in range(ROLLING_SLICES)
        for key in set(once.ids) - delta.unchanged(warehouse, now, delta.Basis(start, number))
    )
    assert asked == Counter(once.ids)


def changed(simulated: Simulated, ids: list[str]) -> set[str]:
    """Changes that the list shows; gives the contacts that they touch and that stay listed."""
    edit(simulated, "edit_contact", ids[0], values={"lastName": "Changed", "city": "Salem"})
    edit(simulated, "edit_contact", ids[1], values={"loyaltyPoints": 4_321.5})
    edit(simulated, "edit_contact", ids[2], values={"optoutTime": 1_790_000_000})
    edit(simulated, "add_order", ids[3], timestamp=1_700_000_000)
    edit(simulated, "edit_contact", ids[3], values={"loyaltyPoints": 77.0})
    edit(simulated, "delete_contact", ids[4])
    edit(simulated, "block_contact", ids[5])
    edit(simulated, "merge_contact", ids[6], into=ids[7])
    edit(simulated, "edit_contact", ids[7], values={"loyaltyPoints": 88.0})
    new = simulated.post(
        "edit",
        {"action": "insert_contact", "values": {"firstName": "Nova", "inserted": 1_600_000_000}},
    )
    return {ids[0], ids[1], ids[2], ids[3], ids[7], new["contactID"]}


def test_what_changed_is_asked_for_and_lands_as_a_whole_extraction_lands_it(
    simulated: Simulated, once: Once, data: Path, tmp_path: Path
) -> None:
    touched = changed(simulated, once.ids)
    result = simulated.extract(data, delta=True, accept_changes=True)
    asked = asked_for(data, result)
    assert touched <= asked
    assert calls_for_orders(simulated) == len(asked) == result.asked_for < len(once.ids) / 2
    assert detail(data, once.ids[0], "city") == "Salem"

    whole = tmp_path / "whole"
    simulated.extract(whole)
    assert content(data, COMPARED) == content(whole, COMPARED)
    listed = keys(whole, "contacts")
    for table in ("contact_details", "contact_orders"):
        ours, theirs = (dict(content(each, [table])[table]) for each in (data, whole))
        assert {key: ours[key] for key in listed} == {key: theirs[key] for key in listed}


def test_late_arrivals_are_counted_and_what_left_the_list_is_named(
    simulated: Simulated, once: Once, data: Path
) -> None:
    changed(simulated, once.ids)
    result = simulated.extract(data, delta=True, accept_changes=True)
    assert result.late["contacts"] == 1
    assert result.late["order_lines"] >= 1
    assert result.no_longer_listed == {"gone": 1, "merged": 1, "visible": 1}
    run = rows(
        data,
        "select payload -> 'late' ->> 'order_lines', payload -> 'options' ->> 'delta' "
        "from raw_alpine_iq.extraction_runs order by payload ->> 'started_at' desc limit 1",
    )
    assert run == [(str(result.late["order_lines"]), "true")]


def test_a_delta_that_is_stopped_goes_on_and_ends_like_an_undisturbed_one(
    simulated: Simulated, once: Once, data: Path, tmp_path: Path
) -> None:
    undisturbed = Path(shutil.copytree(data, tmp_path / "undisturbed"))
    changed(simulated, once.ids)
    whole = simulated.extract(undisturbed, delta=True, accept_changes=True)

    rule = {"kind": "error_before", "status": 503, "path": "/contact/orders/", "after": 3}
    simulated.post("faults", {"rules": [rule]})
    with pytest.raises(RetryLater):
        simulated.extract(data, delta=True, accept_changes=True)
    simulated.post("faults", {"rules": []})
    result = simulated.extract(data, delta=True, accept_changes=True)
    assert result.resumed
    assert content(data) == content(undisturbed)
    assert (result.late, result.asked_for) == (whole.late, whole.asked_for)


def moved(data: Path) -> int:
    """What the last run says about contacts that changed since the one before it."""
    found = rows(
        data,
        "select cast(payload ->> 'moved' as bigint) from raw_alpine_iq.extraction_runs "
        "order by payload ->> 'started_at' desc limit 1",
    )
    return int(found[0][0])


def test_a_source_that_stands_still_is_told_from_one_that_moves(
    simulated: Simulated, once: Once, data: Path
) -> None:
    assert moved(data) == len(once.ids)
    simulated.extract(data, delta=True)
    assert moved(data) == 0
    edit(simulated, "edit_contact", once.ids[0], values={"loyaltyPoints": 1.5})
    edit(simulated, "delete_contact", once.ids[1])
    simulated.extract(data, accept_changes=True)
    assert moved(data) == 2
    simulated.extract(data)
    assert moved(data) == 0


def test_without_a_complete_run_before_a_delta_reads_everything(
    simulated: Simulated, once: Once, tmp_path: Path
) -> None:
    result = simulated.extract(tmp_path / "new", delta=True)
    assert result.asked_for == len(once.ids)
    assert result.late == {}
