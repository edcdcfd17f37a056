"""Undoing in this process and in one that may be killed, over a sandbox company."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from load.client import PipedriveClient
from load.clock import RealClock
from load.plan import latest_plan
from load.progress import Silent
from load.undo import Selection, UndoResult, undo

ROOT = Path(__file__).resolve().parents[4]
ALL = Selection(everything=True)
ALL_AND_FIELDS = Selection(everything=True, fields=True)


def undo_with(
    loader: Any,
    selection: Selection = ALL,
    *,
    dry_run: bool = False,
    agrees: bool = True,
    transport: Any = None,
) -> UndoResult:
    """One undo to its end."""

    async def run() -> UndoResult:
        with loader.ledger() as ledger:
            async with PipedriveClient(
                loader.account, ledger, transport=transport, read_only=dry_run
            ) as client:
                return await undo(
                    selection,
                    latest_plan(loader.folder / "plans" / "plans"),
                    ledger,
                    client,
                    settings=loader.account,
                    clock=RealClock(),
                    progress=Silent(),
                    agree=lambda _plan: agrees,
                    dry_run=dry_run,
                )

    return asyncio.run(run())


def undo_in_process(loader: Any, crashpoint: str, selection: dict[str, Any]) -> int:
    """The same in a process that dies at a crashpoint. Gives its return code."""
    task = {
        "account": loader.settings(),
        "plans": str(loader.folder / "plans" / "plans"),
        "ledger": str(loader.ledger_path),
        "key": "a key for tests only",
        "selection": selection,
    }
    (loader.folder / "undo.json").write_text(json.dumps(task))
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("undo_process.py")), "undo.json"],
        cwd=loader.folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "LOAD_CRASHPOINT": crashpoint},
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, 3, 75, -signal.SIGKILL), done.stderr
    return done.returncode


def dump(company: Any, *, provisioned: bool = True) -> str:
    """The company's canonical text; without what provisioning made, if that stays."""
    with urllib.request.urlopen(company.base_url + "/_sandbox/dump") as answer:  # noqa: S310
        text = answer.read().decode()
    if provisioned:
        return text
    made = ("_field\t", "stage\t", "pipeline\t")
    return "".join(
        line
        for line in text.splitlines(keepends=True)
        if not line.split("{")[0].split("[")[0].endswith(made)
    )


class Undoing:
    """What the undo tests use, for files that cannot import this one."""

    ALL = ALL
    ALL_AND_FIELDS = ALL_AND_FIELDS
    run = staticmethod(undo_with)
    in_process = staticmethod(undo_in_process)
    dump = staticmethod(dump)


@pytest.fixture
def undoing() -> Undoing:
    return Undoing()
