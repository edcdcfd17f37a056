"""The demo's chaos act: a load killed with SIGKILL at a random moment, resumed, checked, undone.

It plays on a copy of the data folder (`chaos` below it) with a ledger of its own, and on a
Pipedrive put back to the moment before the demo's load. The commands are the real ones, each in a
process of its own. At the end the destination is as the first act left it. The moment is a number
of records written, drawn from the demo's seed. Raises `InvariantBroken` if a promise did not hold.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from load.errors import InvariantBroken
from load.plan import latest_plan
from migrate.outcome import DONE, NEEDS_A_HUMAN, Table
from sandbox import door

if TYPE_CHECKING:
    from collections.abc import Callable

    from migrate.settings import Settings
    from sandbox.process import SandboxInfo

FOLDER: Final = "chaos"
BEFORE_THE_LOAD: Final = "before-the-load"
UNDISTURBED: Final = "undisturbed"
NOT_COPIED: Final = {FOLDER, "second_act", "sandbox", "report", "steps", "dbt", "ledger_backups"}
LONGEST: Final = 600.0
_PAUSE: Final = 0.01


def remember_beginning(info: SandboxInfo) -> None:
    """Keeps what Pipedrive holds before the demo's load; called before it."""
    door.post(info.pipedrive_url, "snapshot", {"name": BEFORE_THE_LOAD})


def play(
    settings: Settings,
    info: SandboxInfo,
    *,
    seed: int,
    say: Callable[[str], None],
    times: list[tuple[str, str, float]],
) -> tuple[Table, ...]:
    """The whole act, timed; the destination is put back at its end, come what may."""
    began = time.monotonic()
    door.post(info.pipedrive_url, "snapshot", {"name": UNDISTURBED})
    try:
        steps = _Act(_copy(settings.data_dir), info, say).steps(seed)
    finally:
        door.post(info.pipedrive_url, "restore", {"name": UNDISTURBED})
    times.append(("chaos act", steps[-1][1], round(time.monotonic() - began, 1)))
    return (Table("Chaos act", ("step", "result"), tuple(steps)),)


def _copy(data: Path) -> Path:
    """The same warehouse and plan, and no ledger yet."""
    target = data / FOLDER
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(mode=0o700)
    for entry in data.iterdir():
        if entry.name in NOT_COPIED or entry.name.startswith("ledger.sqlite"):
            continue
        if entry.is_dir():
            shutil.copytree(entry, target / entry.name)
        else:
            shutil.copy2(entry, target / entry.name)
    return target


@dataclass(slots=True)
class _Act:
    data: Path
    info: SandboxInfo
    say: Callable[[str], None]

    def steps(self, seed: int) -> list[tuple[str, str]]:
        """What was done, in order, with what came of it."""
        door.post(self.info.pipedrive_url, "restore", {"name": BEFORE_THE_LOAD})
        steps: tuple[tuple[str, Callable[[], str]], ...] = (
            ("kill -9 while loading", lambda: self._killed(seed)),
            ("resume: aiq2pd apply", lambda: self._command("apply")),
            ("against the load that nobody killed", lambda: self._same(UNDISTURBED)),
            ("independent checker", self._checked),
            ("aiq2pd undo --all --fields", self._undo),
            ("against Pipedrive before the load", lambda: self._same(BEFORE_THE_LOAD)),
        )
        told = []
        for name, step in steps:
            self.say(f"[chaos] {name}")
            told.append((name, step()))
            self.say(f"      {told[-1][1]}")
        return told

    def _undo(self) -> str:
        return self._command("undo", "--all", "--fields", "--yes")

    def _killed(self, seed: int) -> str:
        planned = self._planned()
        moment = random.Random(seed).randrange(1, planned * 9 // 10)
        process = self._start("apply")
        deadline = time.monotonic() + LONGEST
        try:
            while self._written() < moment and process.poll() is None:
                if time.monotonic() > deadline:
                    raise InvariantBroken("chaos act: the load neither wrote nor ended")
                time.sleep(_PAUSE)
        finally:
            process.kill()
            process.communicate(timeout=LONGEST)
        if process.returncode != -signal.SIGKILL:
            raise InvariantBroken(f"chaos act: the load ended with {process.returncode} unkilled")
        return (
            f"killed when {self._written():,} of {planned:,} records were there"
            f" (moment {moment:,}, drawn from seed {seed})"
        )

    def _planned(self) -> int:
        plan = latest_plan(self.data / "plans")
        counts = plan.manifest["counts"].values() if plan else ()
        return sum(int(one.get("create", 0)) for one in counts)

    def _written(self) -> int:
        held = door.get(self.info.pipedrive_url, "stats")["entities"]
        return sum(held.values())

    def _command(self, *words: str) -> str:
        process = self._start(*words)
        out, _ = process.communicate(timeout=LONGEST)
        if process.returncode not in (DONE, NEEDS_A_HUMAN):
            raise InvariantBroken(f"chaos act: {' '.join(words)} ended with {process.returncode}")
        return next(line for line in out.splitlines() if line.strip())

    def _start(self, *words: str) -> subprocess.Popen[str]:
        elsewhere = {
            "AIQ2PD_DATA_DIR": str(self.data),
            "AIQ2PD_ENV_FILE": str(self.data / "none.env"),
            "AIQ2PD_ACCOUNT_FILE": str(self.data / "none.toml"),
        }
        return subprocess.Popen(  # noqa: S603 - our own command
            [Path(sys.executable).with_name("aiq2pd"), *words],
            env=os.environ | self.info.environment() | elsewhere,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def _same(self, name: str) -> str:
        if not door.post(self.info.pipedrive_url, "compare", {"name": name})["equal"]:
            raise InvariantBroken(f"chaos act: Pipedrive differs from its copy {name!r}")
        return "no difference"

    def _checked(self) -> str:
        plan = latest_plan(self.data / "plans")
        dump = self.data / "records.jsonl"
        dump.touch(mode=0o600)
        dump.write_text(door.get_text(self.info.pipedrive_url, "records"), encoding="utf-8")
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "checker", "--ledger", str(self.data / "ledger.sqlite"),
             "--plan", str(plan.folder if plan else ""), "--pipedrive-dump", str(dump)],
            capture_output=True, text=True, check=False, timeout=LONGEST,
        )  # fmt: skip
        dump.unlink()
        if done.returncode:
            raise InvariantBroken(f"chaos act: the checker ended with {done.returncode}")
        return done.stdout.strip().splitlines()[-1]
