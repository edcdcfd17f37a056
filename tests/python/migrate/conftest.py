"""The pages that people read, made once from the migrated account."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

LEFT_OUT = ("sandbox", "dlt", "ledger_backups", "dbt")


@pytest.fixture(scope="session")
def pages(migrated, tmp_path_factory) -> Path:
    """A copy of the migrated account with its report, and with the documents written."""
    from load.progress import Silent
    from migrate.documents import discover, write_documents

    folder = tmp_path_factory.mktemp("pages") / "data"
    shutil.copytree(migrated.data_dir, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIQ2PD_DATA_DIR", str(folder))
        discover(Silent())
        write_documents(Silent())
    return folder
