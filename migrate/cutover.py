"""The cutover: a runbook whose every line is a gate that a program answers.

    source_frozen           nothing moved between the last two reads of the source
    details_fresh           every detail was read within a day of the list
    steps_in_order          extract, build, plan, apply, sweep, verify: each after the one before
    verify_green            every gate of verify
    consent                 nobody's consent is wider than the source allows; can't be waived
    exceptions_signed_off   nothing is left that a person has to look at
    documents               documents and report, made after the last verify
    undo_affordable         an undo of everything fits in AIQ2PD_UNDO_MAX_DAYS
    integration_disabled    the customer attests that Alpine IQ's own integration is off

A gate is green, red, or waived: by a row in seeds/decisions/test_waivers.csv named
`cutover.<gate>`, with a reason, a name and an end. Every answer goes into the ledger's chain of
events; `staging.stg_ledger__cutover_gates` shows them as a table.
"""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from load.undo import Selection
from migrate import steps
from migrate.addresses import is_loopback
from migrate.applying import apply_plan
from migrate.documents import write_documents
from migrate.gates import judge
from migrate.outcome import CONFIGURATION, DONE, INVARIANT_BROKEN, RUN_AGAIN_LATER, Outcome, Table
from migrate.places import decision_seed
from migrate.report import write_report
from migrate.steps import frozen_plan, open_ledger, publish_ledger, remembered
from migrate.summaries import open_warehouse
from migrate.undoing import undo

if TYPE_CHECKING:
    from load.progress import Progress
    from load.undo import UndoPlan
    from migrate.places import Places
    from migrate.settings import Settings

ATTESTED: Final = "integration_disabled"
WAIVERS: Final = Path("seeds/decisions/test_waivers.csv")
ORDER: Final = ("extract", "build", "plan", "apply", "sweep", "verify")
# verify's red gates don't stop: the cutover's own say so
STOPS: Final = (INVARIANT_BROKEN, RUN_AGAIN_LATER)
LAST_RUN: Final = """
select coalesce(max_by(cast(payload ->> 'moved' as bigint), payload ->> 'finished_at'), -1)
from raw_alpine_iq.extraction_runs
where payload ->> 'state' = 'closed'
"""
RUNS: Final = (
    "select count(*) from raw_alpine_iq.extraction_runs where payload ->> 'state' = 'closed'"
)
STALE: Final = "select coalesce(max(older_than_a_day), 0) from discovery.disc_detail_ages"
AGES: Final = """
select entity, field_name as field, resource as read_by, contacts, never_read, older_than_a_day,
    strftime(oldest_read_at, '%Y-%m-%d %H:%M') as oldest,
    strftime(median_read_at, '%Y-%m-%d %H:%M') as median
from discovery.disc_detail_ages
order by entity, field
"""
LEFT_OVER: Final = "select count(*) from reconciliation.remediation"


@dataclass(frozen=True, slots=True)
class Answer:
    """One gate as it was answered."""

    gate: str
    state: str
    found: str

    @property
    def is_open(self) -> bool:
        return self.state != "red"


@remembered
def cut_over(settings: Settings, progress: Progress, *, dry_run: bool = False) -> Outcome:
    """`aiq2pd cutover`. A dry run judges what is there; else the last steps are run first."""
    settings.pipedrive()
    ran = () if dry_run else _final_steps(settings, progress)
    answers = tuple(_waived(answer) for answer in _answers(settings, progress))
    with open_warehouse(settings.places.warehouse) as warehouse:
        ages = (
            (warehouse.table("Ages of details, UTC", AGES),)
            if warehouse.has("discovery", "disc_detail_ages")
            else ()
        )
    if not dry_run:
        _log(settings, answers)
    red = [answer for answer in answers if not answer.is_open]
    table = Table(
        "Gates", ("gate", "state", "found"), tuple((a.gate, a.state, a.found) for a in answers)
    )
    done = Table("Steps", ("step", "result"), ran)
    code = INVARIANT_BROKEN if any(one.gate == "consent" for one in red) else CONFIGURATION
    return Outcome(
        "cutover",
        f"red: {', '.join(one.gate for one in red)}" if red else "all gates are open: cut over",
        code if red else DONE,
        facts={"dry run": "yes" if dry_run else "no"},
        tables=(*((done,) if ran else ()), *ages, table),
        notes=_next(red=bool(red), dry_run=dry_run),
    )


def _next(*, red: bool, dry_run: bool) -> tuple[str, ...]:
    if red:
        return (f"A gate can be waived by a row in {WAIVERS}, test_name cutover.<gate>",)
    if dry_run:
        return ("Next: aiq2pd cutover",)
    return ("Next: switch over; then aiq2pd drift, as long as somebody might still use Alpine IQ",)


def _final_steps(settings: Settings, progress: Progress) -> tuple[tuple[str, str], ...]:
    """The last delta, with every detail read again, and everything that follows from it."""
    chain: tuple[Callable[[Settings, Progress], Outcome], ...] = (
        steps.extract_source,
        steps.build_models,
        partial(steps.make_plan, read_back=True),
        apply_plan,
        steps.closing_sweep,
        steps.verify_target,
    )
    ran = []
    for step in chain:
        outcome = step(settings, progress)
        ran.append((outcome.command, outcome.headline))
        if outcome.exit_code in STOPS:
            return tuple(ran)
    for write in (write_documents, write_report):
        outcome = write(progress)
        ran.append((outcome.command, outcome.headline))
    return tuple(ran)


def _answers(settings: Settings, progress: Progress) -> Iterator[Answer]:
    places = settings.places
    with open_warehouse(places.warehouse) as warehouse:
        moved, runs = warehouse.number(LAST_RUN), warehouse.number(RUNS)
        stale = warehouse.number(STALE) if warehouse.has("discovery", "disc_detail_ages") else -1
        left = warehouse.number(LEFT_OVER) if warehouse.has("reconciliation", "remediation") else -1
    yield _answer(
        "source_frozen",
        moved == 0 and runs > 1,
        f"{moved:g} contacts moved since the read before" if runs > 1 else "read only once",
    )
    yield _answer("details_fresh", stale == 0, f"{stale:g} contacts with a detail over a day old")
    times = _times(places, ORDER)
    yield _answer("steps_in_order", _is_rising(times), ", ".join(f"{k} {v}" for k, v in times))
    verdict = judge(places.warehouse)
    raised = [gate for gate in verdict.gates if gate.name == "consent_raised"]
    yield _answer("verify_green", bool(verdict.gates) and not verdict.red, verdict.headline)
    consent = bool(raised) and all(gate.passed for gate in raised)
    yield _answer("consent", consent, "nobody is raised" if consent else "see verify")
    yield _answer("exceptions_signed_off", left == 0, f"{left:g} lines in remediation")
    made = _times(places, ("verify", "documents", "report"))
    yield _answer(
        "documents",
        len(made) == 3 and min(made[1][1], made[2][1]) >= made[0][1],
        ", ".join(f"{name} {at}" for name, at in made),
    )
    yield _undo_cost(settings, progress)
    yield _attested(settings)


def _answer(gate: str, is_green: bool, found: str) -> Answer:  # noqa: FBT001 (a verdict, not a mode)
    return Answer(gate, "green" if is_green else "red", found)


def _times(places: Places, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """When each step ended last, by its step file; steps that failed or never ran are left out."""
    found = []
    for name in names:
        file = places.steps / f"{name}.json"
        if file.is_file():
            step = json.loads(file.read_text(encoding="utf-8"))
            found.append((name, str(step["ended_at"])))
    return tuple(found)


def _is_rising(times: tuple[tuple[str, str], ...]) -> bool:
    ended = [at for _, at in times]
    return len(times) == len(ORDER) and ended == sorted(ended)


def _undo_cost(settings: Settings, progress: Progress) -> Answer:
    """What taking everything back would cost now; reads lists, sends nothing."""
    account = settings.pipedrive()
    plans: list[UndoPlan] = []

    def decline(plan: UndoPlan) -> bool:
        plans.append(plan)
        return False

    with open_ledger(settings) as ledger:
        result = asyncio.run(
            undo(
                account,
                ledger,
                frozen_plan(settings, ""),
                Selection(everything=True),
                progress=progress,
                agree=decline,
                dry_run=True,
            )
        )
    plan = result.plan
    days = plan.days(account.plan, account.seats, account.budget_share)
    until = [row.restorable_until for row in plan.rows if row.restorable_until is not None]
    deadline = (
        f"; deletions made today can be taken back until {min(until):%Y-%m-%d}" if until else ""
    )
    return _answer(
        "undo_affordable",
        days <= settings.undo_max_days,
        f"{plan.tokens:,} tokens, {days:.2f} days of at most {settings.undo_max_days:g}{deadline}",
    )


def _attested(settings: Settings) -> Answer:
    today = dt.datetime.now(dt.UTC).date()
    if is_loopback(settings.alpine_iq_base_url):
        return Answer(ATTESTED, "waived", "the sandbox on this machine has no integration")
    valid = [a for a in settings.attestations if a.name == ATTESTED and a.expires >= today]
    if valid:
        last = max(valid, key=lambda one: one.expires)
        return Answer(ATTESTED, "green", f"{last.by}, until {last.expires}")
    return Answer(
        ATTESTED,
        "red",
        "switch Alpine IQ's integration off, then write name, by and expires under "
        "[[attestations]] in account.toml",
    )


def _waived(answer: Answer) -> Answer:
    """A red gate that a row of the seed waives. Consent is never waived."""
    if answer.is_open or answer.gate == "consent":
        return answer
    today = dt.datetime.now(dt.UTC).date().isoformat()
    with decision_seed(WAIVERS.name).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["test_name"] == f"cutover.{answer.gate}" and row["waived_until"] >= today:
                why = f"{row['reason']} ({row['waived_by']}, until {row['waived_until']})"
                return Answer(answer.gate, "waived", f"{answer.found}; {why}")
    return answer


def _log(settings: Settings, answers: tuple[Answer, ...]) -> None:
    with open_ledger(settings) as ledger:
        for one in answers:
            detail = {"gate": one.gate, "state": one.state, "found": one.found}
            ledger.event("cutover gate", detail)
        publish_ledger(settings, ledger)
