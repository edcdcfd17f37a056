"""The report: one HTML page that needs no network, and remediation.csv beside it.

Reads the warehouse, and the step files; calls nobody. Raises `ConfigError` without a warehouse.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from load.errors import ConfigError
from load.warehouse import is_there
from migrate import history, places
from migrate.outcome import Outcome

if TYPE_CHECKING:
    from load.progress import Progress


def write_report(progress: Progress) -> Outcome:
    """`aiq2pd report`."""
    where = places.here().prepare()
    if not is_there(where.warehouse):
        raise ConfigError(
            f"no warehouse at {where.shown(where.warehouse)}: nothing to report yet; without "
            "accounts, try it all on local servers: `aiq2pd demo`"
        )
    from migrate.report.page import gather, render
    from migrate.report.remediation import write_csv

    began = time.monotonic()
    progress.start("report", None)
    page, to_do = gather(where)
    where.report.mkdir(mode=0o700, exist_ok=True)
    html = _private(where.report / "report.html", render(page))
    csv = where.report / "remediation.csv"
    problems = write_csv(csv, to_do.columns, to_do.rows)
    csv.chmod(0o600)
    progress.finish("report")
    outcome = Outcome(
        "report",
        f"{page.verdict}: {where.shown(html)}",
        facts={"report": str(html), "remediation": str(csv), "lines to do": problems},
    )
    return history.record(where, outcome, seconds=time.monotonic() - began)


def _private(file: Path, text: str) -> Path:
    half = file.with_suffix(".tmp")
    half.write_text(text, encoding="utf-8")
    half.chmod(0o600)
    return half.replace(file)
