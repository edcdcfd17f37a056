"""Where things lie: the project's own files and the files of one migration below its data folder.

Light on purpose (no pydantic, no DuckDB): `status` starts with this module alone. All folders are
made 0700. Raises `ConfigError` when the project or a writable data folder cannot be found.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from load.errors import ConfigError

DATA_DIR_VARIABLE = "AIQ2PD_DATA_DIR"
ENV_FILE_VARIABLE = "AIQ2PD_ENV_FILE"
ACCOUNT_FILE_VARIABLE = "AIQ2PD_ACCOUNT_FILE"


def core_dir() -> Path:
    """The folder of this project's own dbt_project.yml: beside this package, else the present."""
    for candidate in (Path(__file__).resolve().parent.parent, Path.cwd()):
        if (candidate / "dbt_project.yml").is_file():
            return candidate
    raise ConfigError(
        "no dbt_project.yml beside the installed package or in this folder: run aiq2pd from a "
        "checkout of the project"
    )


def project_dir() -> Path:
    """The dbt project in force: a customer's in the present folder, else this project."""
    here = Path.cwd()
    if (here / "dbt_project.yml").is_file() and (here / "packages.yml").is_file():
        return here
    return core_dir()


def mapping_seed(name: str) -> Path:
    """A seed of the mapping: the customer's own where there is one, else the core's."""
    own = project_dir() / "seeds" / "mapping" / name
    return own if own.is_file() else core_dir() / "seeds" / "mapping" / name


def decision_seed(name: str) -> Path:
    """A seed of decisions: the customer's own where there is one, else the core's."""
    own = project_dir() / "seeds" / "decisions" / name
    return own if own.is_file() else core_dir() / "seeds" / "decisions" / name


def env_file() -> Path:
    """The file of further environment variables."""
    return Path(os.environ.get(ENV_FILE_VARIABLE) or project_dir() / ".env").absolute()


def account_file() -> Path:
    """The committed file of decisions."""
    return Path(os.environ.get(ACCOUNT_FILE_VARIABLE) or project_dir() / "account.toml").absolute()


def data_dir() -> Path:
    """The data folder: the environment's path is relative to the present folder, others to the
    project, so that dbt and aiq2pd agree wherever they are called from."""
    given = os.environ.get(DATA_DIR_VARIABLE)
    if given:
        return Path(given).absolute()
    return project_dir() / (_from_env_file() or "data")


def _from_env_file() -> str | None:
    file = env_file()
    if not file.is_file():
        return None
    from dotenv import dotenv_values

    return dotenv_values(file).get(DATA_DIR_VARIABLE)


@dataclass(frozen=True, slots=True)
class Places:
    """The files of one migration."""

    data: Path

    @property
    def warehouse(self) -> Path:
        return self.data / "warehouse.duckdb"

    @property
    def ledger(self) -> Path:
        return self.data / "ledger.sqlite"

    @property
    def ledger_key(self) -> Path:
        return self.data / "ledger.key"

    @property
    def sealed(self) -> Path:
        """There once this copy was handed over: nothing is written with its ledger any more."""
        return self.data / "sealed.json"

    @property
    def plans(self) -> Path:
        return self.data / "plans"

    @property
    def uploads(self) -> Path:
        """The files of persons and orders that a plan uploads."""
        return self.data / "inbox" / "files"

    @property
    def sandbox(self) -> Path:
        return self.data / "sandbox"

    @property
    def report(self) -> Path:
        return self.data / "report"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    def dbt_target(self, project: Path) -> Path:
        """One for each checkout: dbt's saved parse remembers where its seeds lay, and would load
        those of a checkout that has moved on."""
        return self.data / "dbt" / hashlib.sha256(str(project).encode()).hexdigest()[:12]

    @property
    def steps(self) -> Path:
        """One small JSON file per finished command, for `status` and the report."""
        return self.data / "steps"

    def prepare(self) -> Places:
        """Make the data folder and prove that it can be written to, before anything starts."""
        try:
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.data) as probe:
                probe.write(b"\0" * 4096)
        except OSError as error:
            raise ConfigError(
                f"the data folder {self.data} cannot be written to ({error.strerror}): choose "
                f"another with {DATA_DIR_VARIABLE}, or mend its owner, mode or free space"
            ) from error
        return self

    def shown(self, path: Path) -> str:
        """The path as people read it: relative to the present folder where that is shorter."""
        try:
            return str(path.relative_to(Path.cwd()))
        except ValueError:
            return str(path)


def here() -> Places:
    """The places of the data folder in force."""
    return Places(data_dir())


def refuse_if_sealed(where: Places) -> None:
    """Raise `ConfigError` when this copy was handed over."""
    if where.sealed.is_file():
        raise ConfigError(
            f"{where.shown(where.data)} was handed over and is read-only: go on where the bundle "
            "was opened, or take it back with `aiq2pd handover open FILE`"
        )
