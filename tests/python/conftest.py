"""What many tests share: a clean environment, a pair of sandbox servers, a migrated warehouse.

No credential of the developer's environment or `.env` reaches a test, and no test finds another's
data folder.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.request import urlopen

import pytest

from migrate.outcome import Outcome
from sandbox.process import SandboxInfo

OURS = ("ALPINE_IQ_", "PIPEDRIVE_", "AIQ2PD_", "DLT_", "DBT_")
KEPT = frozenset({"AIQ2PD_CONTRACTS_DIR"})


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_ours_in_the_environment() -> Iterator[None]:
    removed = {
        name: os.environ.pop(name)
        for name in list(os.environ)
        if name.startswith(OURS) and name not in KEPT
    }
    # wide enough that no line of a table wraps
    os.environ |= {"COLUMNS": "200", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
    yield
    os.environ |= removed


@pytest.fixture(autouse=True)
def data_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data folder of the test's own, which is also the one in force."""
    folder = tmp_path / "data"
    monkeypatch.setenv("AIQ2PD_DATA_DIR", str(folder))
    monkeypatch.setenv("AIQ2PD_ENV_FILE", str(tmp_path / ".env"))
    monkeypatch.setenv("AIQ2PD_ACCOUNT_FILE", str(tmp_path / "account.toml"))
    return folder


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """The file of variables in force; not there until a test writes it."""
    return tmp_path / ".env"


@pytest.fixture
def account_file(tmp_path: Path) -> Path:
    """The file of decisions in force; not there until a test writes it."""
    return tmp_path / "account.toml"


@dataclass(frozen=True)
class Migrated:
    """A data folder in which a whole migration of a small account has run, servers included."""

    data_dir: Path
    sandbox: SandboxInfo
    outcomes: dict[str, Outcome]
    spent: tuple[int, int]  # calls and tokens, by the ledger

    def variables(self) -> dict[str, str]:
        """What a command needs to work on it."""
        return {**self.sandbox.environment(), "AIQ2PD_DATA_DIR": str(self.data_dir)}


def pytest_configure(config: pytest.Config) -> None:
    """Names the one marker that is about order, not about what is tested."""
    config.addinivalue_line("markers", "last: fills the gap while the other worker ends")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two workers: a file stays whole, and all who use the migrated account share one of it.

    That longest group comes first and those marked `last`, of a few seconds each, at the end, so
    that both workers end together.
    """
    for item in items:
        shared = "migrated" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("migrated" if shared else str(item.path)))
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    if "migrated" in getattr(item, "fixturenames", ()):
        return 0
    return 2 if item.get_closest_marker("last") else 1


PERSONAS = 40
SCALE = 600


@pytest.fixture(scope="session")
def sandbox_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, SandboxInfo]]:
    """Both services over real HTTP, with a small generated account. Shared: do not break it."""
    from sandbox import process

    folder = tmp_path_factory.mktemp("migration") / "data"
    info = process.up(folder / "sandbox", personas=PERSONAS, seed=7, window_scale=SCALE)
    recorded = b'{"record_exchanges": true}'  # they are held against Pipedrive's own files
    urlopen(f"{info.pipedrive_url}/_sandbox/config", recorded).close()  # noqa: S310 - loopback
    yield folder, info
    process.down(folder / "sandbox")


@pytest.fixture(scope="session")
def migrated(
    sandbox_pair: tuple[Path, SandboxInfo], tmp_path_factory: pytest.TempPathFactory
) -> Migrated:
    """Extracted, built with every dbt test, planned, applied, swept, verified, reported."""
    from load.progress import Silent
    from migrate import account
    from migrate.demo import PHASES

    folder, info = sandbox_pair
    elsewhere = tmp_path_factory.mktemp("no settings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIQ2PD_DATA_DIR", str(folder))
        patch.setenv("AIQ2PD_ENV_FILE", str(elsewhere / ".env"))
        patch.setenv("AIQ2PD_ACCOUNT_FILE", str(elsewhere / "account.toml"))
        settings = account.on_sandbox(info)
        outcomes = {name: phase(settings, Silent()) for name, phase in PHASES}
    return Migrated(folder, info, outcomes, _spent(folder))


@pytest.fixture(scope="session")
def spent() -> Callable[[Path], tuple[int, int]]:
    """Calls and tokens of everything that the ledger of a data folder counted."""
    return _spent


def _spent(data_dir: Path) -> tuple[int, int]:
    file = data_dir / "ledger.sqlite"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as ledger:
        calls, tokens = ledger.execute("select sum(calls), sum(tokens) from token_use").fetchone()
    return int(calls), int(tokens)


@pytest.fixture
def migrated_copy(migrated: Migrated, tmp_path: Path) -> Migrated:
    """The migrated account in a folder of the test's own, to write in; the servers are shared."""
    folder = tmp_path / "migrated"
    shutil.copytree(migrated.data_dir, folder, ignore=shutil.ignore_patterns("sandbox"))
    return replace(migrated, data_dir=folder)
