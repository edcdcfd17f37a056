"""The customer's own exports, dropped into `data/inbox/`: checked, then landed as they came.

`check_inbox` tells about the files and writes nothing; `land_inbox` puts them into the raw tables;
`answered_by` says which API calls they make needless. dlt is loaded by the first landing only.
"""

from __future__ import annotations

from pathlib import Path

from extract.inbox.check import CheckedFile, InboxReport, check_inbox

__all__ = ["CheckedFile", "InboxReport", "check_inbox", "land_exports"]


def land_exports(data_dir: Path, headers_seed: Path, *, uid: str = "") -> InboxReport:
    """Land the inbox and make no call: all that an account without API access can give.

    Raises `ConfigError` for a file with problems, `RetryLater` while another extraction runs.
    """
    from extract.alpine_iq.landing import Warehouse  # noqa: PLC0415 - dlt takes a second to load
    from extract.alpine_iq.run import private_folder  # noqa: PLC0415
    from extract.inbox.landing import land_inbox  # noqa: PLC0415

    with private_folder(data_dir):
        warehouse = Warehouse(data_dir / "warehouse.duckdb", data_dir / "dlt")
        return land_inbox(warehouse, data_dir / "inbox", headers_seed, uid=uid)
