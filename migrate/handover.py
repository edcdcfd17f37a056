"""One encrypted bundle that moves a running migration to another machine or colleague.

In it: the ledger, the frozen plans, the key of the before-images, the step files, `account.toml`,
the decisions of the seeds and a manifest (commit, ledger, open decisions). The warehouse is not: it
is built again from a new extraction, or by `aiq2pd extract` on the new machine.

`migrate.bundles` encrypts it. The copy that was sealed turns read-only: no command opens its
ledger.

Raises `ConfigError` for a missing key, a damaged bundle, or a folder that already has a ledger.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from load.errors import ConfigError
from migrate import bundles, places
from migrate.outcome import Outcome, Table

if TYPE_CHECKING:
    from load.progress import Progress
    from migrate.places import Places

OPEN_STATES: Final = "('intent', 'ambiguous', 'quarantined', 'removing')"


def seal(_progress: Progress, *, file: Path) -> Outcome:
    """`aiq2pd handover seal`."""
    where = places.here()
    if not where.ledger.is_file():
        raise ConfigError(
            f"no ledger at {where.shown(where.ledger)}: there is nothing to hand over"
        )
    places.refuse_if_sealed(where)
    key = bundles.key()
    bundles.note(where, file)
    bundle, manifest = _packed(where)
    bundles.write(file, bundles.encrypted(bundle, key))
    where.sealed.write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    where.sealed.chmod(0o600)
    return Outcome(
        "handover seal",
        f"sealed in {where.shown(file)}; this copy is read-only from now on",
        facts={"bytes": file.stat().st_size, "commit": manifest["commit"]},
        tables=(_table(manifest),),
        notes=(
            f"Give {bundles.KEY_VARIABLE} to your colleague by another way than the file",
            f"Over there: check out {manifest['commit']}, then aiq2pd handover open FILE",
        ),
    )


def unseal(_progress: Progress, *, file: Path) -> Outcome:
    """`aiq2pd handover open`. A sealed copy may be opened again where it was sealed."""
    where = places.here().prepare()
    if where.ledger.exists() and not where.sealed.exists():
        raise ConfigError(
            f"{where.shown(where.data)} holds a ledger of its own; open the bundle in another "
            "folder (AIQ2PD_DATA_DIR)"
        )
    try:
        sealed = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None
    manifest = _unpack(bundles.decrypted(sealed, bundles.key()), where)
    where.sealed.unlink(missing_ok=True)
    bundles.note(where, file)
    here = _commit()
    notes = ["Next: aiq2pd status, then go on: extract, build, plan"]
    if manifest["commit"] != here:
        notes.insert(
            0, f"sealed at commit {manifest['commit']}, this is {here}: check it out first"
        )
    return Outcome(
        "handover open",
        f"opened into {where.shown(where.data)}",
        facts={"sealed at": manifest["sealed_at"], "commit": manifest["commit"]},
        tables=(_table(manifest),),
        notes=tuple(notes),
    )


def _table(manifest: dict[str, Any]) -> Table:
    rows = tuple((name, count) for name, count in manifest["open"].items())
    return Table("Open at the handover", ("what", "records"), rows)


def _packed(where: Places) -> tuple[bytes, dict[str, Any]]:
    """The bundle in the clear, in memory: it is a fraction of the warehouse."""
    ledger, open_ends = _copy_of(where.ledger)
    project = places.project_dir()
    files = {
        "ledger.sqlite": ledger,
        **_below(where.plans, "plans"),
        **_below(where.steps, "steps"),
        **_below(project / "seeds" / "decisions", "decisions"),
    }
    for name, path in (
        ("ledger.key", where.ledger_key),
        ("account.toml", places.account_file()),
        (bundles.NOTED, where.data / bundles.NOTED),
    ):
        if path.is_file():
            files[name] = path.read_bytes()
    about = {
        "sealed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "open": open_ends,
    }
    return bundles.archived(files, about), about


def _copy_of(ledger: Path) -> tuple[bytes, dict[str, int]]:
    """The ledger as of one moment, whatever its write-ahead log holds, and its open ends."""
    with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(":memory:")) as copy:
        source.backup(copy)
        rows = copy.execute(
            f"select entity || ': ' || state, count(*) from id_map where state in {OPEN_STATES}"
            " or reason_code = 'edited by others' group by 1 order by 1"
        )
        return copy.serialize(), {str(name): int(count) for name, count in rows}


def _below(folder: Path, name: str) -> dict[str, bytes]:
    return {
        f"{name}/{file.relative_to(folder)}": file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607 (whatever git is in force)
        cwd=places.project_dir(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def _unpack(clear: bytes, where: Places) -> dict[str, Any]:
    """Everything into the data folder; account.toml and decisions into a folder of their own."""
    files, manifest = bundles.extracted(clear)
    for name, data in files.items():
        beside = name == "account.toml" or name.startswith("decisions/")
        target = where.data / ("handover/" + name if beside else name)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.unlink(missing_ok=True)
        target.touch(mode=0o600)
        target.write_bytes(data)
    for leftover in ("ledger.sqlite-wal", "ledger.sqlite-shm"):
        (where.data / leftover).unlink(missing_ok=True)
    return manifest
