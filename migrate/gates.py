"""Go or no-go: each gate is one question, asked with one SQL query, against one allowed number.

A red gate that a person waived (seeds/decisions/test_waivers.csv, with a name and an end) is shown
as waived and does not stop the verdict; a consent gate cannot be waived.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from migrate.outcome import (
    CONFIGURATION,
    DONE,
    INVARIANT_BROKEN,
    NEEDS_A_HUMAN,
    Table,
)
from migrate.summaries import Warehouse, open_warehouse

WAIVERS: Final = (
    "select test_name, reason || ' (' || waived_by || ', until ' || waived_until || ')' "
    "from decisions.test_waivers where cast(waived_until as date) >= current_date"
)


@dataclass(frozen=True, slots=True)
class Question:
    """A gate as it is asked. `exit_code` is what a red one means."""

    name: str
    question: str
    sql: str
    allowed: float = 0
    exit_code: int = NEEDS_A_HUMAN


QUESTIONS: Final = (
    Question(
        "consent_raised",
        "persons whose consent is wider than the source allows",
        "select coalesce(sum(raised), 0) from (select max(persons_raised) as raised "
        "from reconciliation.rec_consent_counts group by column_name)",
        exit_code=INVARIANT_BROKEN,
    ),
    Question(
        "read_back",
        "dimensions that were never compared, for want of a read-back",
        "select count(*) from reconciliation.rec_dimensions where verdict = 'not read back'",
        exit_code=CONFIGURATION,
    ),
    Question(
        "conservation",
        "records of the source that are neither loaded nor explained",
        "select coalesce(sum(abs(unexplained)), 0) from reconciliation.rec_accounting",
        exit_code=CONFIGURATION,
    ),
    Question(
        "pending",
        "records that are still to be sent",
        "select coalesce(sum(pending), 0) from reconciliation.rec_accounting",
        exit_code=CONFIGURATION,
    ),
    Question(
        "unknown_outcomes",
        "writes whose outcome nobody knows",
        "select count(*) from ledger.id_map where state in ('intent', 'ambiguous')",
        exit_code=CONFIGURATION,
    ),
    Question(
        "missing",
        "records that we wrote and that are not there",
        "select count(*) from reconciliation.rec_missing",
    ),
    Question(
        "extra",
        "records with a key of ours that should not be there, or not twice",
        "select count(*) from reconciliation.rec_extra",
    ),
    Question(
        "altered",
        "records that lost their migration key or were archived since",
        "select count(*) from reconciliation.rec_records_altered",
    ),
    Question(
        "wrong_parents",
        "records that hang on another parent than the source says",
        "select count(*) from reconciliation.rec_wrong_parents",
    ),
    Question(
        "organizations_unmatched",
        "stores without their organization",
        "select count(*) from reconciliation.rec_organizations_unmatched where kind = 'store'",
    ),
    Question(
        "labels_failed",
        "labels that a person should have and doesn't",
        "select count(*) from reconciliation.rec_labels_failed",
    ),
    Question(
        "field_differences",
        "fields whose value differs from the source",
        "select count(*) from reconciliation.rec_field_mismatches",
    ),
    Question(
        "dimensions",
        "of the five dimensions, those that differ",
        "select count(*) from reconciliation.rec_dimensions where verdict = 'different'",
    ),
    Question(
        "order_totals",
        "stores and months whose order totals differ",
        "select count(*) from reconciliation.rec_order_totals where not is_equal",
    ),
    Question(
        "points",
        "points columns whose total differs",
        "select count(*) from reconciliation.rec_points_total where not is_equal",
    ),
)


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate as it was answered."""

    name: str
    question: str
    sql: str
    found: float
    allowed: float
    exit_code: int
    waiver: str

    @property
    def passed(self) -> bool:
        return self.found <= self.allowed


@dataclass(frozen=True, slots=True)
class Verdict:
    """All gates."""

    gates: tuple[Gate, ...]

    @property
    def red(self) -> tuple[Gate, ...]:
        return tuple(gate for gate in self.gates if not gate.passed and not gate.waiver)

    @property
    def green(self) -> int:
        return sum(gate.passed for gate in self.gates)

    @property
    def exit_code(self) -> int:
        codes = {gate.exit_code for gate in self.red}
        order = (INVARIANT_BROKEN, CONFIGURATION, NEEDS_A_HUMAN)
        return next((code for code in order if code in codes), DONE)

    @property
    def headline(self) -> str:
        if not self.gates:
            return "nothing was verified yet"
        if not self.red:
            return f"all {len(self.gates)} gates are green"
        return "red: " + "; ".join(f"{gate.question}: {gate.found:g}" for gate in self.red)

    def table(self) -> Table:
        rows = tuple(
            (gate.question, "green" if gate.passed else (gate.waiver or "RED"), gate.found)
            for gate in self.gates
        )
        return Table("Gates", ("gate", "result", "found"), rows)


def judge(file: Path) -> Verdict:
    """All gates of a warehouse."""
    with open_warehouse(file) as warehouse:
        return judge_in(warehouse)


def judge_in(warehouse: Warehouse) -> Verdict:
    """All gates; none when nothing was reconciled yet."""
    if not warehouse.has("reconciliation", "rec_accounting"):
        return Verdict(())
    waivers = {str(name): str(why) for name, why in warehouse.table("Waivers", WAIVERS).rows}
    return Verdict(tuple(_asked(warehouse, question, waivers) for question in QUESTIONS))


def _asked(warehouse: Warehouse, question: Question, waivers: dict[str, str]) -> Gate:
    waiver = "" if question.exit_code == INVARIANT_BROKEN else waivers.get(question.name, "")
    return Gate(
        question.name,
        question.question,
        question.sql,
        warehouse.number(question.sql),
        question.allowed,
        question.exit_code,
        waiver,
    )
