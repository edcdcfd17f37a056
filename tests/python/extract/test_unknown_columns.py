"""Columns of an export that nobody named, from the file to the list of what is to be decided."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from extract.alpine_iq.landing import ALPINE_IQ
from extract.inbox.landing import land_inbox
from extract.landing import Warehouse

ROOT = Path(__file__).resolve().parents[3]
SEED = ROOT / "seeds" / "mapping" / "inbox_headers.csv"
pytestmark = pytest.mark.long


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """Built from a personas export and a sales export with a column too many each."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "4007-all-1795000000-rp.csv").write_text(
        "contact_id,src_ids,first_name,Card Expires\nc1,,Dana,2027-01-31\nc2,,Bo,\n"
    )
    (inbox / "4007-all-1688000000-1790000000-sl.csv").write_text(
        "transaction_id,time_of_sale,product_name,quantity,price,customer_aiq_contact_id,Till\n"
        "R-1,2024-05-31 18:00:00 UTC,Haze,1,9.5,c1,north\n"
    )
    land_inbox(Warehouse(tmp_path, ALPINE_IQ), inbox, SEED, uid="4007")
    command = [
        *(sys.executable, "-m", "dbt.cli.main", "-q", "build", "-s", "+disc_decisions_open"),
        *("--exclude-resource-type", "test", "unit_test", "--profiles-dir", str(ROOT / "profiles")),
    ]
    places = {
        "AIQ2PD_DATA_DIR": str(tmp_path),
        "DBT_TARGET_PATH": str(tmp_path / "target"),
        "DBT_LOG_PATH": str(tmp_path / "logs"),
    }
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **places}, capture_output=True, text=True,
        check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    return tmp_path / "warehouse.duckdb"


def test_a_column_that_nobody_named_is_kept_and_waits_for_a_decision(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        kept = connection.execute(
            "select contact_id, property_name, property_value"
            " from intermediate.int_contact_custom_properties_listed"
        ).fetchall()
        undecided = connection.execute(
            "select kind, what, proposed_line from discovery.disc_decisions_open"
            " where kind <> 'store_setting' order by 1"
        ).fetchall()
        covered = connection.execute(
            "select path, decision from discovery.disc_source_paths"
            " where starts_with(path, 'other.') order by resource"
        ).fetchall()
    assert kept == [("c1", "Card Expires", "2027-01-31")]
    assert undecided == [
        (
            "custom_property",
            "card expires",
            "card expires,field,card_expires__c,date,to be confirmed",
        ),
        (
            "source_path",
            "export_sales_lines other.Till",
            "export_sales_lines,other.Till,dropped,to be confirmed",
        ),
    ]
    assert covered == [("other.*", "mapped"), ("other.Till", "undecided")]
