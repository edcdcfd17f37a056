"""docs/sample-diffs.md: sample pull requests, and what `aiq2pd diff` says about each.

    python -m migrate.diff.samples docs/sample-diffs.md

Each patch of examples/pull_requests/ is applied to a clone of this repository's last commit and
compared with it on the fixture. Raises what git and the diff raise.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from load.progress import Silent
from migrate.diff import diff
from migrate.diff.data import FIXTURE, chosen
from migrate.outcome import Outcome
from migrate.places import core_dir
from migrate.rendered import as_markdown
from migrate.settings import Settings

SAMPLES: Final = {
    "rename_of_a_field": "A field under another name",
    "changed_merge_rule": "A changed rule of who is one person",
    "bug_that_raises_consent": "A bug that would raise consent",
    "worked_example_of_contributing": "A new field: the worked example of the contributing guide",
}
PATCHES: Final = "examples/pull_requests"
BASE: Final = "HEAD"
HEAD: Final = """# Sample pull requests

Written by `python -m migrate.diff.samples docs/sample-diffs.md`; do not edit. Four changes of the
mapping as patches (`examples/pull_requests/`), and under each what `aiq2pd diff` answers a pull
request with, on the fixture that CI uses: a generated account of 120 people, loaded nowhere yet.
"""


@dataclass(frozen=True, slots=True)
class Told:
    """A diff's outcome, with its seconds on the wall and of the processor."""

    outcome: Outcome
    wall: float
    processor: float


def main(page: Path) -> None:
    """Make all diffs, and the page of them."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        settings = Settings().model_copy(update={"data_dir": Path(folder) / "data"})
        _git(core_dir(), "clone", "--quiet", "--shared", ".", str(clone))
        began = time.perf_counter()
        data = chosen(settings, Silent(), FIXTURE)
        landed = time.perf_counter() - began

        def told(head: str = "") -> Told:
            began, used = time.perf_counter(), _processor()
            outcome = diff(clone, settings, Silent(), base=BASE, head=head, data=data)
            return Told(outcome, time.perf_counter() - began, _processor() - used)

        base = told(BASE)
        found = {}
        for name in SAMPLES:
            patch = core_dir() / PATCHES / f"{name}.patch"
            _git(clone, "apply", "--unidiff-zero", str(patch))
            found[name] = told()
            _git(clone, "checkout", "--quiet", "--", ".")
    page.write_text(written(found, base, landed), encoding="utf-8")


def written(found: dict[str, Told], base: Told, landed: float) -> str:
    """The whole page."""
    sections = (_section(name, told) for name, told in found.items())
    return "\n".join([HEAD, _times(found, base, landed), *sections])


def _times(found: dict[str, Told], base: Told, landed: float) -> str:
    lines = [
        "| step | wall s | processor s | models rebuilt |",
        "|---|---:|---:|---:|",
        f"| the account, extracted once and kept | {landed:.0f} | | |",
        f"| the base, built once per commit and kept | {base.wall:.0f} | {base.processor:.0f} | |",
        *(
            f"| {SAMPLES[name]} | {told.wall:.0f} | {told.processor:.0f} "
            f"| {told.outcome.facts['models rebuilt']} |"
            for name, told in found.items()
        ),
    ]
    busy = f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.0f} at the end.\n"
    return "\n".join([*lines, "", busy])


def _section(name: str, told: Told) -> str:
    patch = (core_dir() / PATCHES / f"{name}.patch").read_text(encoding="utf-8")
    said = as_markdown(told.outcome).replace("\n### ", "\n#### ").replace("## ", "### ", 1)
    return (
        f"## {SAMPLES[name]}\n\n```diff\n{patch}```\n\n"
        f"Exit code {told.outcome.exit_code}. The comment:\n\n{said}"
    )


def _processor() -> float:
    """Seconds of this process and of those that it waited for."""
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True)  # noqa: S603, S607 (our arguments)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
