"""`aiq2pd probe`: open facts of a trial account, into a seed that plans and the sandbox read."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from load.errors import ConfigError
from migrate.outcome import CONFIGURATION, DONE, NEEDS_A_HUMAN, Outcome, Table
from migrate.places import project_dir
from migrate.settings import PIPEDRIVE

if TYPE_CHECKING:
    from load.probe import Found
    from load.progress import Progress
    from migrate.settings import Settings

FACTS: Final = Path("seeds/decisions/probed_facts.csv")
COLUMNS: Final = ("company_id", "fact", "answer", "probed_on")
TASK: Final = "probe"


def probe_account(
    settings: Settings,
    progress: Progress,
    *,
    dry_run: bool = False,
    ask: Callable[[str], bool] | None = None,
    to: Path | None = None,
) -> Outcome:
    """Prices the questions, or asks them of the account and writes the answers down."""
    from load.probe import CLEARING
    from load.questions import QUESTIONS

    most = sum(one.tokens for one in QUESTIONS) + CLEARING
    if dry_run:
        rows = tuple((one.fact, one.what, one.tokens) for one in QUESTIONS)
        return Outcome(
            "probe",
            f"{len(QUESTIONS)} questions, at most {most:,} tokens; nothing was sent",
            facts={"clearing away, at most": CLEARING},
            tables=(Table("Questions", ("fact", "question", "tokens at most"), rows),),
            notes=("On a trial account: aiq2pd probe",),
        )
    settings.require(PIPEDRIVE)
    company_id = asyncio.run(_company(settings))
    _refuse_a_loaded_one(settings, company_id)
    question = (
        f"{len(QUESTIONS)} questions write to company {company_id} and delete what they wrote, at"
        f" most {most:,} tokens; a trial account is the place for it"
    )
    if ask is not None and not ask(question):
        return Outcome("probe", "declined; nothing was sent", CONFIGURATION)
    file = to or project_dir() / FACTS
    found = asyncio.run(_probed(settings, progress))
    _write(file, company_id, found)
    return _outcome(settings, file, found)


async def _company(settings: Settings) -> int:
    from load.account import holder_of
    from load.budget import TokensInMemory
    from load.client import PipedriveClient

    async with PipedriveClient(settings.pipedrive(), TokensInMemory(), read_only=True) as client:
        return (await holder_of(client)).company_id


def _refuse_a_loaded_one(settings: Settings, company_id: int) -> None:
    if not settings.places.ledger.exists():
        return
    from migrate.steps import open_ledger

    with open_ledger(settings) as ledger:
        bound = ledger.binding()
    if bound is not None and int(bound["company_id"]) == company_id:
        raise ConfigError(
            f"company {company_id} is the one that this ledger loads: a probe belongs on a trial"
            " account; set PIPEDRIVE_BASE_URL and PIPEDRIVE_API_TOKEN to one"
        )


async def _probed(settings: Settings, progress: Progress) -> list[Found]:
    from load.budget import TokensInMemory
    from load.client import PipedriveClient
    from load.clock import RealClock
    from load.probe import probe
    from load.questions import QUESTIONS

    clock = RealClock()
    progress.start(TASK, len(QUESTIONS))
    async with PipedriveClient(settings.pipedrive(), TokensInMemory(), clock) as client:
        found = await probe(
            client,
            clock,
            QUESTIONS,
            kept_in=settings.places.prepare().data / "probe.json",
            told=lambda _fact: progress.advance(TASK),
        )
    progress.finish(TASK)
    return found


def _write(file: Path, company_id: int, found: list[Found]) -> None:
    """Today's answers replace those of today; older ones and those of others stay."""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    rows: dict[tuple[str, ...], tuple[str, ...]] = {
        (str(company_id), one.fact, today): (str(company_id), one.fact, one.answer, today)
        for one in found
        if one.answer
    }
    if file.is_file():
        with file.open(encoding="utf-8", newline="") as text:
            for row in csv.DictReader(text):
                key = (row["company_id"], row["fact"], row["probed_on"])
                rows.setdefault(key, tuple(row[name] for name in COLUMNS))
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(row for _, row in sorted(rows.items()))


def _outcome(settings: Settings, file: Path, found: list[Found]) -> Outcome:
    unanswered = sum(not one.answer for one in found)
    rows = tuple((one.fact, one.answer, one.why) for one in found)
    return Outcome(
        "probe",
        f"{len(found) - unanswered} of {len(found)} facts are settled, in"
        f" {settings.places.shown(file)}",
        NEEDS_A_HUMAN if unanswered else DONE,
        tables=(Table("Facts", ("fact", "answer", "why it stayed open"), rows),),
        notes=("Commit the file; the next plan and the sandbox read it.",),
    )
