"""A command that breaks down with a person in its hands says nothing of them, wherever it breaks.

Real processes. The failure is put into the step that the command runs: its text, the values of
local variables, an object's repr and a cause all hold the person.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PERSON = "canary.person@example.com"
BORN = "1990-02-28"

# what each does is put in the place of the planning step
BREAKS = {
    "in the step": """
    def step(settings, progress, **more):
        record = Record()
        fail(record)
""",
    "with a cause, in a group": """
    def step(settings, progress, **more):
        record = Record()
        try:
            fail(record)
        except RuntimeError as error:
            raise ExceptionGroup(PERSON, [ValueError(repr(record))]) from error
""",
    "in a thread": """
    def step(settings, progress, **more):
        worker = threading.Thread(target=fail, args=(Record(),))
        worker.start()
        worker.join()
        raise RuntimeError("the worker ended")
""",
    "in a task that nobody awaits": """
    def step(settings, progress, **more):
        async def lost():
            fail(Record())

        async def run():
            asyncio.create_task(lost())
            await asyncio.sleep(0.01)
            gc.collect()

        asyncio.run(run())
        gc.collect()
        raise RuntimeError("the task was lost")
""",
    "in a destructor": """
    def step(settings, progress, **more):
        class Dying:
            def __del__(self):
                fail(Record())

        Dying()
        gc.collect()
        raise RuntimeError("it is gone")
""",
    "while its outcome is shown": """
    def step(settings, progress, **more):
        class Outcome:
            exit_code = 0

            def __getattr__(self, name):
                fail(Record())

        return Outcome()
""",
}
PROGRAM = """
import asyncio, gc, sys, threading
import migrate.account, migrate.steps
from migrate.cli import main

PERSON, BORN = {person!r}, {born!r}


class Record:
    email = PERSON

    def __repr__(self):
        return f"Record({{PERSON}}, {{BORN}})"


def fail(record):
    email, born = PERSON, BORN
    raise RuntimeError(f"could not parse {{record!r}}: {{email}} {{born}}")


if True:
{step}
migrate.steps.make_plan = step
sys.argv = ["aiq2pd", "plan"]
main()
"""


@pytest.mark.parametrize("where", BREAKS)
def test_a_crash_with_a_person_in_hand_names_nobody(where, tmp_path):
    program = tmp_path / "crash.py"
    program.write_text(PROGRAM.format(person=PERSON, born=BORN, step=BREAKS[where]))
    data = tmp_path / "data"
    done = subprocess.run(
        [sys.executable, program],
        env=os.environ | {"AIQ2PD_DATA_DIR": str(data)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "unforeseen" in said
    assert "canary.person" not in said
    assert BORN not in said
    program.unlink()
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in left if PERSON.encode() in path.read_bytes()] == []
