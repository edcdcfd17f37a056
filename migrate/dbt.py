"""dbt as one subprocess: its JSON log becomes progress, counts and one clear line on failure.

Raises `ConfigError` when a model or a test fails (they are named, with the number of failing rows)
and `RetryLater` when somebody else has the warehouse open. Secrets are not passed on to dbt.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from load.errors import ConfigError, RetryLater
from migrate.failures import of_duckdb
from migrate.seeds import check_seeds

if TYPE_CHECKING:
    from load.progress import Progress

SECRETS: Final = frozenset(
    {"ALPINE_IQ_API_KEY", "PIPEDRIVE_API_TOKEN", "AIQ2PD_LEDGER_KEY", "AIQ2PD_HANDOVER_KEY"}
)
FAILED: Final = frozenset({"fail", "error", "runtime error"})
NAMED_AT_MOST: Final = 5
TASK: Final = "dbt"


@dataclass(frozen=True, slots=True)
class DbtRun:
    """What one invocation did: nodes by kind and by status, seconds on the wall."""

    nodes: dict[str, int]
    warnings: tuple[str, ...]
    seconds: float


@dataclass(slots=True)
class _Log:
    nodes: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def build(
    project: Path,
    *,
    environment: Mapping[str, str],
    target_path: Path,
    progress: Progress,
    select: Sequence[str] = (),
    selector: str = "",
    unit_tests: bool = False,
    options: Sequence[str] = (),
    write_json: bool = False,
) -> DbtRun:
    """`dbt build`, of everything, of a selection or of a selector in selectors.yml.

    Unit tests judge the SQL, not the data: they run when they are asked for, and with every plain
    `dbt build`. dbt's artefacts (manifest, run results) cost seconds each time and are written
    for those who ask.
    """
    check_seeds(project / "seeds")
    command = [
        *(sys.executable, "-m", "dbt.cli.main", "--log-format", "json", "--log-level", "info"),
        *("--log-level-file", "none", "--no-use-colors", "--no-send-anonymous-usage-stats"),
        *(
            "--write-json" if write_json else "--no-write-json",
            "build",
            "--project-dir",
            str(project),
            "--profiles-dir",
            str(project / "profiles"),
        ),
        *("--target-path", str(target_path)),
        *(("--select", *select) if select else ()),
        *(("--selector", selector) if selector else ()),
        *(() if unit_tests else ("--exclude-resource-type", "unit_test")),
        *options,
    ]
    began = time.monotonic()
    log = _Log()
    with subprocess.Popen(  # noqa: S603 (our own interpreter and arguments)
        command,
        cwd=project,
        env=_environment(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            for event in _events(process):
                _note(event, log, progress)
            code = process.wait()
        except BaseException:
            process.terminate()
            raise
    progress.finish(TASK)
    if code != 0:
        raise _failure(log)
    return DbtRun(dict(sorted(log.nodes.items())), tuple(log.warnings), time.monotonic() - began)


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in SECRETS}
    return {**kept, **given, "PYTHONWARNINGS": "ignore", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}


def _events(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """The log's events; lines that are no JSON (a crash on start) count as error text."""
    for line in process.stdout or ():
        try:
            yield json.loads(line)
        except ValueError:
            yield {"info": {"level": "error", "name": "", "msg": line.strip()}, "data": {}}


def _note(event: dict[str, Any], log: _Log, progress: Progress) -> None:
    info, data = event["info"], event.get("data", {})
    if info["name"] == "LogStartLine" and data.get("index") == 1:
        progress.start(TASK, data["total"])
    node = data.get("node_info") or {}
    if info["name"].startswith("Log") and info["name"].endswith("Result") and node:
        _note_result(node, data, log)
        progress.advance(TASK, 1, str(node["node_name"]))
    elif info["name"].startswith("LogSkip") or info["name"] == "SkippingDetails":
        progress.advance(TASK)
    elif info["level"] == "error":
        log.errors.append(info["msg"].strip())


def _note_result(node: dict[str, Any], data: dict[str, Any], log: _Log) -> None:
    kind, status = str(node["resource_type"]), str(data.get("status", "")).lower()
    log.nodes[kind] = log.nodes.get(kind, 0) + 1
    rows = f" ({data['num_failures']} rows)" if data.get("num_failures") else ""
    if status in FAILED or status.startswith("error"):
        log.failed.append(f"{kind} {node['node_name']}{rows}")
    elif status.startswith("warn"):
        log.warnings.append(f"{node['node_name']}{rows}")


def _failure(log: _Log) -> Exception:
    known = of_duckdb(" ".join(log.errors))
    if known is not None:
        family = RetryLater if known.exit_code == RetryLater.exit_code else ConfigError
        return family(known.message)
    if log.failed:
        named = ", ".join(log.failed[:NAMED_AT_MOST])
        more = f" and {len(log.failed) - NAMED_AT_MOST} more" if log.failed[NAMED_AT_MOST:] else ""
        return ConfigError(
            f"dbt: {len(log.failed)} failed: {named}{more}. `dbt build --select <name>` from the "
            "project's root shows one; its SQL, under target/compiled, gives the rows to look at"
        )
    said = [line.strip() for message in log.errors for line in message.splitlines()]
    useful = [line for line in said if line and line != "Encountered an error:"]
    return ConfigError(f"dbt did not start: {' '.join(useful[:4]) or 'no reason given'}")
