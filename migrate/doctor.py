"""Is this machine and are both accounts ready? What is set, from where, and do the services answer.

Never prints a secret. One reading call on each side.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from migrate import account_file, places
from migrate.outcome import CONFIGURATION, DONE, Cell, Outcome, Table
from migrate.settings import (
    ALPINE_IQ,
    CREDENTIALS,
    PIPEDRIVE,
    TRY_THE_SANDBOX,
    Settings,
    is_secret,
    variables,
)

if TYPE_CHECKING:
    from load.progress import Progress


def examine(settings: Settings, progress: Progress) -> Outcome:
    """`aiq2pd doctor`."""
    settings.places.prepare()
    missing = settings.missing(CREDENTIALS)
    rows = tuple(_row(settings, name, default) for name, default, _meaning in variables())
    tables = [Table("Settings", ("variable", "value", "from"), rows)]
    services = [
        _asked("Alpine IQ", settings, ALPINE_IQ, progress),
        _asked("Pipedrive", settings, PIPEDRIVE, progress),
    ]
    tables.append(Table("Services", ("service", "answer"), tuple(services)))
    if settings.attestations:
        vouched = tuple((a.name, a.by, a.expires.isoformat()) for a in settings.attestations)
        tables.append(Table("Attestations", ("what", "who", "until"), vouched))
    ready = not missing and all(str(answer).startswith("ok") for _name, answer in services)
    headline = "ready" if ready else "not ready"
    if missing:
        headline = f"not set: {', '.join(missing)}; {TRY_THE_SANDBOX}"
    return Outcome("doctor", headline, DONE if ready else CONFIGURATION, tables=tuple(tables))


def _row(settings: Settings, name: str, default: str) -> tuple[Cell, ...]:
    value = settings.value_of(name)
    shown = "" if value is None else ("set" if is_secret(name) else str(value))
    return name, shown, _origin(settings, name, default, shown)


def _origin(settings: Settings, name: str, default: str, shown: str) -> str:
    if settings.on_sandbox and name in settings.given_by_sandbox:
        return "sandbox"
    if os.environ.get(name):
        return "environment"
    if name in _env_file_names():
        return places.env_file().name
    if name in account_file.read_account_file(places.account_file()):
        return places.account_file().name
    return "default" if shown and default else ("" if shown else "not set")


def _env_file_names() -> frozenset[str]:
    from dotenv import dotenv_values

    file = places.env_file()
    return (
        frozenset(n for n, v in dotenv_values(file).items() if v) if file.is_file() else frozenset()
    )


def _asked(
    service: str, settings: Settings, needed: tuple[str, ...], progress: Progress
) -> tuple[Cell, ...]:
    if settings.missing(needed):
        return service, "not asked: settings are missing"
    from migrate.failures import explain
    from migrate.services import ask_alpine_iq, ask_pipedrive

    progress.start(f"asking {service}", None)
    try:
        answer = (ask_alpine_iq if service == "Alpine IQ" else ask_pipedrive)(settings)
    except Exception as error:  # noqa: BLE001 (every way to fail is an answer here)
        answer = explain(error).message
    finally:
        progress.finish(f"asking {service}")
    return service, answer
