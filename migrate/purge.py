"""`aiq2pd purge`: what is no longer needed leaves the disk, old things or all of them.

`--older-than` takes what a running migration does not need: superseded plans, ledger backups,
before-images, answers not yet landed, reports, documents, logs, exports in the inbox. The raw
tables stay, because a person who is missing there would look deleted at the source.

`--all` takes everything but the ledger's keys, hashes and events, by which an undo still finds
what was made, and the newest plan without its records, which says what each column is.
Before-images go, so overwritten values can no longer be put back. With the ledger (`--ledger`)
nothing of ours is left, and nothing can be undone or gone on with.

Copies elsewhere go with them: this ledger's backups in AIQ2PD_BACKUP_DIR and bundles that were
sealed or opened here; what can't be reached is listed with what to do. A folder that was handed
over keeps its bundle, which may be the only one that is still alive.

Raises `ConfigError` for a choice that makes no sense, `RetryLater` while a run is active.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from load.errors import ConfigError
from migrate.outcome import DONE, NEEDS_A_HUMAN, Outcome, Table

if TYPE_CHECKING:
    from load.progress import Progress
    from migrate.places import Places

UNITS: Final = {"h": 1, "d": 24, "w": 24 * 7}
# files and folders of the data folder that no command needs to go on
MADE_ANEW: Final = ("report", "documents", "logs", "inbox")
# the times of our calls to the source: without them an hour's limit could be broken
KEPT_BY_ALL: Final = frozenset({"sandbox", "alpine_iq_calls.sqlite", "alpine_iq.lock"})
OPEN_DOUBTS: Final = (
    "select count(*) from id_map where state in ('intent', 'ambiguous', 'removing')"
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What to purge: older than some hours, or everything, with or without the ledger."""

    older_than_hours: float | None = None
    everything: bool = False
    ledger: bool = False

    @classmethod
    def of(cls, *, older_than: str, everything: bool, ledger: bool) -> Choice:
        """Reads `30d`, `12h`, `8w`."""
        if bool(older_than) == everything:
            raise ConfigError("say what to purge: either --older-than 30d or --all")
        if ledger and not everything:
            raise ConfigError("--ledger goes with --all: a migration under way needs its ledger")
        if everything:
            return cls(everything=True, ledger=ledger)
        found = re.fullmatch(r"(\d+)([hdw])", older_than.strip())
        if not found:
            raise ConfigError("--older-than takes a number and h, d or w, such as 30d")
        return cls(older_than_hours=int(found[1]) * UNITS[found[2]])


@dataclass(frozen=True, slots=True)
class Doomed:
    """Paths that go, the files in each, their size in bytes, and how many before-images."""

    paths: tuple[Path, ...]
    before_images: int
    files: tuple[int, ...]
    size: int

    @classmethod
    def of(cls, paths: Iterable[Path], before_images: int) -> Doomed:
        found = tuple(paths)
        counts = tuple(sum(1 for _ in _files(path)) for path in found)
        size = sum(file.stat().st_size for path in found for file in _files(path))
        return cls(found, before_images, counts, size)


def purge(
    progress: Progress,
    *,
    where: Places,
    choice: Choice,
    backup_dir: Path | None = None,
    dry_run: bool = False,
    ask: Callable[[str], bool] | None = None,
    now: Callable[[], float] = time.time,
) -> Outcome:
    """`aiq2pd purge`."""
    cutoff = None if choice.older_than_hours is None else now() - choice.older_than_hours * 3600
    with ExitStack() as stack:
        if where.ledger.is_file():
            from load.ledger.lock import run_lock

            stack.enter_context(run_lock(where.ledger, started_at="purge"))
        _refuse_doubts(where, choice)
        copies, beyond_reach = _copies(where, backup_dir)
        doomed = _doomed(where, choice, cutoff, copies)
        if dry_run or (ask is not None and not ask(_question(doomed, choice))):
            return _outcome(where, doomed, choice, beyond_reach, done=False)
        progress.start("purge", None)
        for path in doomed.paths:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        if where.ledger.is_file():
            _drop_before_images(where.ledger, cutoff)
        if choice.everything and not choice.ledger:
            _empty_newest_plan(where.plans)
        progress.finish("purge")
    return _outcome(where, doomed, choice, beyond_reach, done=True)


def _copies(where: Places, backup_dir: Path | None) -> tuple[list[Path], dict[str, str]]:
    """What of ours lies elsewhere, and what is there or was there and can't be reached."""
    from migrate import bundles

    found: list[Path] = []
    beyond: dict[str, str] = {}
    if backup_dir is not None and not backup_dir.is_dir():
        beyond[str(backup_dir)] = "AIQ2PD_BACKUP_DIR is not there: bring it back and run again"
    ours = _owner(where.ledger, "mode=ro")
    for file in sorted(backup_dir.glob("*.sqlite")) if backup_dir is not None else ():
        # nobody writes to a backup any more, and a look should leave no file beside it
        owner = _owner(file, "immutable=1")
        if owner is None or ours is None:
            beyond[str(file)] = "whose backup it is can't be read: delete it by hand if it is yours"
        elif owner == ours:
            found.append(file)
    for bundle in bundles.noted(where):
        if where.sealed.is_file():
            beyond[str(bundle)] = "kept: this folder was handed over in it; delete it by hand"
        elif bundle.is_file():
            found.append(bundle)
        else:
            beyond[str(bundle)] = (
                f"not there any more: delete it wherever it is, and its line in {bundles.NOTED}"
            )
    return found, beyond


def _owner(ledger: Path, how: str) -> str | None:
    """Which ledger a file is a copy of."""
    try:
        with closing(sqlite3.connect(f"file:{ledger}?{how}", uri=True)) as db:
            row = db.execute("select ledger_id from binding").fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else str(row[0])


def _refuse_doubts(where: Places, choice: Choice) -> None:
    """A record that may or may not be in Pipedrive is only known to the ledger."""
    if not choice.ledger or not where.ledger.is_file():
        return
    from load.forget.rows import opened

    with opened(where.ledger) as db:
        (doubts,) = db.execute(OPEN_DOUBTS).fetchone()
    if doubts:
        raise ConfigError(
            f"{doubts} records are in doubt and only the ledger knows them: settle them first "
            "(`aiq2pd sweep`), or purge without --ledger"
        )


def _doomed(where: Places, choice: Choice, cutoff: float | None, copies: list[Path]) -> Doomed:
    images = _before_images(where.ledger, cutoff) if where.ledger.is_file() else 0
    if choice.everything:
        kept = KEPT_BY_ALL if choice.ledger else KEPT_BY_ALL | _for_an_undo(where)
        paths = [path for path in sorted(where.data.iterdir()) if path.name not in kept]
        if not choice.ledger:
            newest = _newest_plan(where.plans)
            paths += [plan for plan in sorted(where.plans.glob("*")) if plan != newest]
        return Doomed.of([*paths, *copies], images)
    paths = [
        path
        for path in [*_old_candidates(where), *copies]
        if max((file.stat().st_mtime for file in _files(path)), default=0) < (cutoff or 0)
    ]
    return Doomed.of(paths, images)


def _for_an_undo(where: Places) -> set[str]:
    """Names in the data folder: the ledger, its key, and the plan that says what a column is."""
    ledger = {where.ledger.name + end for end in ("", "-wal", "-shm", ".lock")}
    return {where.ledger_key.name, where.plans.name, *ledger}


def _old_candidates(where: Places) -> Iterator[Path]:
    newest = _newest_plan(where.plans)
    yield from (plan for plan in sorted(where.plans.glob("*")) if plan != newest)
    yield from sorted((where.data / "ledger_backups").glob("*"))
    for name in MADE_ANEW:
        yield from sorted((where.data / name).glob("*"))
    yield from sorted((where.data / "dlt").glob("*/load/loaded/*"))
    yield from sorted((where.data / "dlt").glob("*/trace.pickle"))


def _newest_plan(plans_dir: Path) -> Path | None:
    from load.plan import latest_plan

    found = latest_plan(plans_dir)
    return None if found is None else found.folder


def _empty_newest_plan(plans_dir: Path) -> None:
    from load.forget.plans import empty

    newest = _newest_plan(plans_dir)
    if newest is not None:
        empty(newest)


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in path.rglob("*") if file.is_file())
    elif path.is_file():
        yield path


def _before_images(ledger: Path, cutoff: float | None) -> int:
    from load.forget.rows import opened

    with opened(ledger) as db:
        found = db.execute(
            f"select count(*) from before_images where captured_at < '{_stamp(cutoff)}'"
        ).fetchone()
    return int(found[0])


def _drop_before_images(ledger: Path, cutoff: float | None) -> None:
    from load.forget.rows import opened, rewrite

    with opened(ledger) as db:
        db.execute(f"delete from before_images where captured_at < '{_stamp(cutoff)}'")
        rewrite(db)


def _stamp(cutoff: float | None) -> str:
    """The cutoff as the ledger writes times; without one, later than all of them."""
    moment = datetime.now(UTC) + timedelta(days=1)
    if cutoff is not None:
        moment = datetime.fromtimestamp(cutoff, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _question(doomed: Doomed, choice: Choice) -> str:
    undo = " Nothing can be undone or gone on with afterwards." if choice.ledger else ""
    return (
        f"{len(doomed.paths)} files and folders ({doomed.size / 1e6:,.1f} MB) and "
        f"{doomed.before_images} before-images will be gone for good.{undo}"
    )


def _outcome(
    where: Places, doomed: Doomed, choice: Choice, beyond_reach: dict[str, str], *, done: bool
) -> Outcome:
    names = (
        str(path.relative_to(where.data) if path.is_relative_to(where.data) else path)
        for path in doomed.paths
    )
    rows = tuple(zip(names, doomed.files, strict=True))
    stays = ["what the operating system, a backup or a synchronised folder copied stays there"]
    if not choice.everything:
        stays.insert(0, "the raw tables and the newest plan stay; `--all` takes them as well")
    elif not choice.ledger:
        stays.insert(
            0,
            "the ledger's keys and hashes stay, so that `aiq2pd undo` still finds what was made; "
            "overwritten values can no longer be put back",
        )
    what = "purged" if done else "nothing was purged; this would be"
    tables = [Table("Purged" if done else "Would be purged", ("path", "files"), rows)]
    if beyond_reach:
        columns = ("copy", "what to do")
        tables.append(Table("Copies out of reach", columns, tuple(sorted(beyond_reach.items()))))
    return Outcome(
        "purge",
        f"{what}: {len(doomed.paths)} files and folders, {doomed.before_images} before-images",
        NEEDS_A_HUMAN if beyond_reach and done else DONE,
        facts={"megabytes": round(doomed.size / 1e6, 1)},
        tables=tuple(tables),
        notes=tuple(stays),
    )
