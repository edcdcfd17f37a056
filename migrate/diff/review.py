"""A review kept beside the code: the diff on real data, and whether a file still fits the change.

The file's name is the head's mapping hash; its first lines carry both hashes and the count of
rises, and a digest over the rest, so that a file edited by hand or made for another base is told
apart. `misfit` returns what is wrong, or nothing.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

from migrate.outcome import Outcome
from migrate.rendered import as_markdown

FOLDER: Final = "reviews"
_HEAD: Final = re.compile(
    r"\A<!-- review base=(?P<base>\w+) head=(?P<head>\w+) rises=(?P<rises>\d+) "
    r"exit=(?P<exit>\d+) digest=(?P<digest>\w+) -->\n(?P<body>.*)\Z",
    re.DOTALL,
)


def keep(outcome: Outcome, file: Path) -> Path:
    """Write the review; `<hash>` in the name stands for the head's mapping hash."""
    file = file.with_name(file.name.replace("<hash>", str(outcome.facts["head mapping"])))
    body = as_markdown(outcome)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f"<!-- review base={outcome.facts['base mapping']} head={outcome.facts['head mapping']} "
        f"rises={outcome.facts['records whose consent would rise']} exit={outcome.exit_code} "
        f"digest={_digest(body)} -->\n{body}",
        encoding="utf-8",
    )
    return file


def misfit(project: Path, base_mapping: str, head_mapping: str) -> str:
    """Why the review of this change is missing or does not fit; empty when all is well."""
    if base_mapping == head_mapping:
        return ""
    file = project / FOLDER / f"{head_mapping}.md"
    make = f"aiq2pd diff BASE --data local --out '{FOLDER}/<hash>.md'"
    if not file.is_file():
        return f"{FOLDER}/{head_mapping}.md is not there: `{make}` on the operator's machine"
    found = _HEAD.match(file.read_text(encoding="utf-8"))
    if found is None or found["digest"] != _digest(found["body"]):
        return f"{file.name} is not as `aiq2pd diff` wrote it: make it again, `{make}`"
    if (found["base"], found["head"]) != (base_mapping, head_mapping):
        return (
            f"{file.name} compares {found['base']} with {found['head']}, this change is "
            f"{base_mapping} to {head_mapping}: make it again, `{make}`"
        )
    if found["exit"] != "0":
        return f"{file.name} says that the consent of {found['rises']} records would rise"
    return ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
