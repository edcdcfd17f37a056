"""The demo: a generated account, both services on this machine, every phase of a migration.

It only ever replaces a data folder that an earlier demo made (`demo.json` says so), and never
looks at credentials of the environment. Differences found by `verify` end it with their code;
records quarantined by the mapping do not, since the generated account is dirty on purpose.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from load.errors import ConfigError
from migrate import places, sandboxed, steps
from migrate.account import on_sandbox, running_sandbox
from migrate.applying import apply_plan
from migrate.outcome import DONE, NEEDS_A_HUMAN, Outcome, Table
from migrate.places import Places
from migrate.report import write_report

if TYPE_CHECKING:
    from load.progress import Progress
    from migrate.settings import Settings

PHASES: Final[tuple[tuple[str, Callable[[Settings, Progress], Outcome]], ...]] = (
    ("extract", steps.extract_source),
    ("build", steps.build_models),
    ("plan", steps.make_plan),
    ("apply", apply_plan),
    ("sweep", steps.closing_sweep),
    ("verify", steps.verify_target),
    ("report", lambda _settings, progress: write_report(progress)),
)
A_QUERY: Final = "from reconciliation.rec_counts"
ANOTHER_QUERY: Final = "select entity, state, count(*) from id_map group by 1, 2"
TOLERATED: Final = {"apply": (DONE, NEEDS_A_HUMAN)}


def run_demo(
    progress: Progress,
    *,
    personas: int,
    seed: int,
    keep: bool,
    acts: int = 2,
    chaos: bool = False,
) -> Outcome:
    """`aiq2pd demo`."""
    from migrate import chaos_act

    where = places.here().prepare()
    _make_room(where)
    began = time.monotonic()
    progress.start("sandbox", None)
    info = sandboxed.bring_up(personas=personas, seed=seed)
    progress.finish("sandbox")
    try:
        settings = on_sandbox(info)
        _say(
            "Both services run on this machine and keep their limits. All rate windows, on both "
            f"sides, run {settings.window_scale:g} times faster than real ones; daily budget, "
            f"caps and clock are real ({settings.pipedrive_plan} plan, "
            f"{settings.pipedrive_seats} seats)."
        )
        times = [("sandbox", "up", round(time.monotonic() - began, 1))]
        if chaos:
            chaos_act.remember_beginning(info)
        last = _phases(settings, progress, times)
        times.append(("first act", "", round(time.monotonic() - began, 1)))
        later: tuple[Table, ...] = ()
        if acts > 1 and "report" in last:
            from migrate.second_act import play

            later = play(settings, info, progress, say=_say, times=times)
        if chaos and "report" in last:
            later += chaos_act.play(settings, info, seed=seed, say=_say, times=times)
    finally:
        if not keep:
            _stop()
    times.append(("all", "", round(time.monotonic() - began, 1)))
    return _ending(where, last, times, later, keep=keep)


def _phases(
    settings: Settings, progress: Progress, times: list[tuple[str, str, float]]
) -> dict[str, Outcome]:
    """One after the other, until one ends badly."""
    ended: dict[str, Outcome] = {}
    for number, (name, phase) in enumerate(PHASES, 1):
        _say(f"[{number}/{len(PHASES)}] {name}")
        began = time.monotonic()
        outcome = phase(settings, progress)
        ended[name] = outcome
        times.append((name, outcome.headline, round(time.monotonic() - began, 1)))
        _say(f"      {outcome.headline}")
        stops = outcome.exit_code not in TOLERATED.get(name, (DONE, NEEDS_A_HUMAN))
        if stops and name not in {"verify", "report"}:
            break
    return ended


def _ending(
    where: Places,
    ended: dict[str, Outcome],
    times: list[tuple[str, str, float]],
    later: tuple[Table, ...],
    *,
    keep: bool,
) -> Outcome:
    last = list(ended.values())[-1]
    verified = ended.get("verify")
    deciding = verified or last
    clock = Table("Time", ("phase", "result", "seconds"), tuple(times))
    if "report" not in ended:
        return Outcome("demo", f"stopped: {last.headline}", last.exit_code, tables=(clock,))
    return Outcome(
        "demo",
        f"done: {deciding.headline}",
        deciding.exit_code,
        facts={"report": where.shown(where.report / "report.html")},
        tables=(*(verified.tables if verified else ()), *later, clock),
        notes=_what_next(where, keep=keep),
    )


def _what_next(where: Places, *, keep: bool) -> tuple[str, ...]:
    shown = where.shown
    python = shown(Path(sys.executable))
    aiq2pd = shown(Path(sys.executable).with_name("aiq2pd"))
    query = f"duckdb.connect('{shown(where.warehouse)}', read_only=True).sql('{A_QUERY}').show()"
    servers = "" if keep else f"{aiq2pd} sandbox up && "
    return (
        f"What arrived, and what it became: {shown(where.report / 'report.html')}",
        "Query the warehouse (any DuckDB shell does) and the ledger:",
        f'  {python} -c "import duckdb; {query}"',
        f"  sqlite3 {shown(where.ledger)} '{ANOTHER_QUERY}'",
        "A second apply writes nothing; try it, on the same state:",
        f"  {servers}{aiq2pd} apply",
        *((f"The servers still run; to stop them: {aiq2pd} sandbox down",) if keep else ()),
    )


def _make_room(where: Places) -> None:
    """Clear what an earlier demo left; refuse to touch anything else."""
    marker = where.data / "demo.json"
    if not marker.is_file() and (where.ledger.exists() or where.warehouse.exists()):
        raise ConfigError(
            f"{where.shown(where.data)} holds a warehouse or a ledger that no demo made: choose "
            f"another folder, such as {places.DATA_DIR_VARIABLE}=demo aiq2pd demo"
        )
    _stop()
    for entry in where.data.iterdir():
        if entry.name in {".gitkeep", "inbox"}:
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    marker.write_text(json.dumps({"made_by": "aiq2pd demo"}), encoding="utf-8")


def _stop() -> None:
    if running_sandbox() is not None:
        from sandbox import process

        process.down(places.here().sandbox)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
