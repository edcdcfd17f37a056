"""The customer's example on one core, with data: `python -m migrate.customer_build FOLDER CORE`.

For CI and for whoever upgrades: makes the repository in FOLDER, lands generated people, builds it
with all data tests and says what came out of the model and the seeds that the example overrides.
Raises `ConfigError` where the build fails or an override had no effect.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import duckdb

from extract.landing import WAREHOUSE
from load.errors import ConfigError
from load.progress import Silent
from migrate import dbt
from migrate.customer import make
from sandbox.generator import AccountSpec, build_account
from sandbox.landed import write

PERSONAS: Final = 60
SEED: Final = 7
REGIONS: Final = ("North / ", "South / ")
_FOUND: Final = """
select
    (select count(*) from marts.mart_organizations where store_nickname__c similar to ?),
    (select count(*) from marts.mart_persons),
    (select count(*) from marts.mart_deals)
"""


def built(folder: Path, core: str) -> dict[str, int]:
    """Records of the marts, by name; stores are those that bear a region of the example's seed."""
    folder.mkdir(parents=True, exist_ok=True)
    make(Silent(), "example", parent=folder, core=core)
    data = folder / "data"
    data.mkdir(mode=0o700)
    write(build_account(AccountSpec(personas=PERSONAS, seed=SEED)), data / WAREHOUSE)
    project, environment = folder / "example", {"AIQ2PD_DATA_DIR": str(data)}
    _install_core(project)
    dbt.build(
        project,
        environment=environment,
        target_path=folder / "target",
        progress=Silent(),
        selector="build",
    )
    with duckdb.connect(str(data / WAREHOUSE), read_only=True) as warehouse:
        pattern = f"({'|'.join(REGIONS)}).*"
        counts = warehouse.execute(_FOUND, [pattern]).fetchall()[0]
    found = dict(zip(("stores with a region", "persons", "deals"), counts, strict=True))
    if empty := [name for name, count in found.items() if not count]:
        raise ConfigError(f"the example on {core} gave no {', no '.join(empty)}")
    return found


def _install_core(project: Path) -> None:
    """The link in dbt_packages that dbt wants; nothing is fetched."""
    command = [sys.executable, "-W", "ignore", "-m", "dbt.cli.main", "--quiet", "deps"]
    done = subprocess.run(  # noqa: S603 (our own interpreter and arguments)
        command, cwd=project, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ConfigError(f"dbt deps: {done.stdout.strip()[-300:]}")


def main(folder: str, core: str) -> None:
    """Build, and say what came out."""
    found = built(Path(folder), os.path.abspath(core))  # noqa: PTH100 (an address, maybe a link)
    said = ", ".join(f"{count} {name}" for name, count in found.items())
    sys.stdout.write(f"the example builds with all its tests: {said}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
