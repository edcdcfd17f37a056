"""dbt docs say something about every model, seed, source and column, and lead to Pipedrive."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest

from migrate.documents.fields_page import page

ROOT = Path(__file__).resolve().parents[2]
SMALL_WORDS = (
    *("a", "an", "and", "by", "for", "from", "has", "have", "how", "in", "is", "it", "its", "of"),
    *("on", "or", "that", "the", "this", "to", "was", "when", "whether", "which"),
    *("id", "key", "kind", "many", "name", "number", "utc"),  # what any column could be
)
MARTS = ("organizations", "persons", "products", "deals", "deal_products", "notes")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory) -> dict:
    """As `dbt parse` writes it: the commands spare themselves the file."""
    folder = tmp_path_factory.mktemp("parsed")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "-q", "parse"),
            *("--target-path", str(folder), "--log-path", str(folder)),
        ],
        cwd=ROOT,
        env={**os.environ, "AIQ2PD_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def nodes(manifest) -> list[dict]:
    return [
        node for node in manifest["nodes"].values() if node["resource_type"] in {"model", "seed"}
    ]


def test_every_model_seed_source_and_macro_is_described(manifest, nodes):
    assert len(nodes) > 100
    ours = [
        one
        for one in manifest["macros"].values()
        if one["package_name"] == nodes[0]["package_name"]
    ]
    described = [*nodes, *manifest["sources"].values(), *manifest["exposures"].values(), *ours]
    silent = [one["unique_id"] for one in described if not one["description"].strip()]
    # tests of our own are macros to dbt; their files open with what they check
    assert [name for name in silent if ".test_" not in name] == []


def test_every_column_that_is_built_is_described(migrated, nodes):
    with duckdb.connect(str(migrated.data_dir / "warehouse.duckdb"), read_only=True) as warehouse:
        built = warehouse.execute(
            "select table_schema, table_name, column_name from information_schema.columns"
        ).fetchall()
    described = {
        (node["schema"], node["alias"], name)
        for node in nodes
        for name, column in node["columns"].items()
        if column["description"].strip()
    }
    relations = {(node["schema"], node["alias"]) for node in nodes}
    columns = {one for one in built if one[:2] in relations}
    assert len(columns) > 1000
    assert sorted(columns - described) == []


def test_no_description_speaks_of_a_column_that_is_not_there(migrated, nodes):
    with duckdb.connect(str(migrated.data_dir / "warehouse.duckdb"), read_only=True) as warehouse:
        built = set(
            warehouse.execute(
                "select table_schema, table_name, column_name from information_schema.columns"
            ).fetchall()
        )
    relations = {one[:2] for one in built}
    listed = {
        (node["schema"], node["alias"], name)
        for node in nodes
        for name in node["columns"]
        if (node["schema"], node["alias"]) in relations
    }
    assert sorted(listed - built) == []


def stems(words: Iterable[str]) -> set[str]:
    """The words without the s of a plural."""
    return {word.rstrip("s") for word in words}


def says_only_its_name(column: str, description: str) -> bool:
    """Whether nothing is left of the description without small words and the column's own."""
    words = stems(re.findall("[a-z0-9]+", description.lower()))
    return words - stems(SMALL_WORDS) <= stems(column.lower().split("_"))


@pytest.mark.parametrize(
    ("column", "description"),
    [("gate_name", "Name of the gate."), ("deal_id", "The id of this deal."), ("what", "What.")],
)
def test_a_description_that_repeats_its_column_is_known_for_one(column, description):
    assert says_only_its_name(column, description)
    assert not says_only_its_name(column, f"{description[:-1]} in euros.")


def test_no_description_only_repeats_the_name_of_its_column(nodes):
    read = [
        (node["name"], name, column["description"])
        for node in nodes
        for name, column in node["columns"].items()
        if column["description"]
    ]
    assert len(read) > 1000
    assert [one for one in read if says_only_its_name(one[1], one[2])] == []


def test_every_entity_of_pipedrive_is_an_exposure_at_the_end_of_its_mart(manifest):
    ends = {
        parent.rpartition(".")[2]
        for exposure in manifest["exposures"].values()
        for parent in exposure["depends_on"]["nodes"]
    }
    assert {f"mart_{name}" for name in MARTS} <= ends


def test_a_field_of_the_destination_can_be_followed_back_to_a_source(manifest):
    parents = manifest["parent_map"]
    for exposure in manifest["exposures"]:
        seen, waiting = set(), [exposure]
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                waiting.extend(parents.get(one, []))
        assert any(one.startswith("source.") for one in seen), exposure


def test_the_data_dictionary_in_dbt_docs_is_up_to_date():
    file = ROOT / "models" / "marts" / "_fields.md"
    assert file.read_text(encoding="utf-8") == page(), "run `make docs`"
