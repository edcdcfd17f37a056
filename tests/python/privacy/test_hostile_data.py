"""Text that wants to be more than text: in names, seeds, spreadsheets, notes."""

from __future__ import annotations

import csv
import importlib
import re
import sys
import unicodedata
from fnmatch import fnmatch
from types import ModuleType

import duckdb
import jinja2
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from load.errors import ConfigError
from load.progress import Silent
from migrate import dbt
from migrate.report.remediation import safe, write_csv
from migrate.seeds import NAME, check_seeds

HEADER = ["entity", "column_name", "field_name", "purpose"]
GOOD = ["person", "loyalty_points__c", "Loyalty points", "segment filters; sums"]
DIRECTION = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
HOSTILE_CELLS = [
    ("column_name", "x'; ATTACH '/etc/passwd' AS y; --"),
    ("column_name", "read_csv('/etc/passwd')"),
    ("column_name", 'x" varchar, "y'),
    ("column_name", "x\n"),
    ("column_name", "X"),
    ("column_name", "1x"),
    ("column_name", "x" * 70),
    ("column_name", "\u0435ntity"),
    ("entity", "person; drop table marts.mart_persons"),
    ("field_name", "{{ env_var('PIPEDRIVE_API_TOKEN') }}"),
    ("field_name", "{% set x = run_query('select 1') %}"),
    ("purpose", "{# hidden #}"),
    ("purpose", "safe\u202eevil"),
    ("purpose", "null\x00byte"),
    ("field_name", "zero\u200bwidth"),
    ("purpose", "x" * 2_001),
]


def seed(folder, *rows):
    folder.mkdir(exist_ok=True)
    with (folder / "fields.csv").open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(rows)
    return folder


def test_every_committed_seed_is_plain_data(request):
    assert check_seeds(request.config.rootpath / "seeds") > 1_000


@pytest.mark.parametrize(("column", "value"), HOSTILE_CELLS)
def test_a_seed_that_would_be_more_than_data_is_refused_without_its_value(column, value, tmp_path):
    row = dict(zip(HEADER, GOOD, strict=True)) | {column: value}
    folder = seed(tmp_path / "seeds", HEADER, list(row.values()))
    with pytest.raises(ConfigError) as caught:
        check_seeds(folder)
    said = str(caught.value)
    assert f"fields.csv line 2, {column}" in said or "is no CSV" in said
    assert value not in said


@pytest.mark.parametrize(
    "content",
    [
        b"entity,column_name\nperson\n",
        b"entity;drop\nperson\n",
        b"\xff\xfe",
        b'entity\n"a"b\n',
        b"",
    ],
)
def test_a_file_that_is_no_table_is_refused(content, tmp_path):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ConfigError, match=r"a\.csv"):
        check_seeds(tmp_path)


def test_dbt_does_not_start_on_a_seed_that_was_refused(tmp_path):
    seed(tmp_path / "seeds", HEADER, ["person", "x; drop", "y", "z"])
    with pytest.raises(ConfigError, match="must be a name"):
        dbt.build(tmp_path, environment={}, target_path=tmp_path / "target", progress=Silent())


@settings(max_examples=100, deadline=None)
@given(name=st.text(max_size=80), label=st.text(max_size=40))
def test_whatever_a_seed_holds_only_names_pass_as_names(name, label, tmp_path_factory):
    folder = seed(tmp_path_factory.mktemp("fuzz"), HEADER, ["person", name, label, ""])
    try:
        check_seeds(folder)
    except ConfigError:
        return
    assert name == "" or NAME.fullmatch(name)
    assert not any(mark in label for mark in ("{{", "{%", "{#"))
    assert not any(unicodedata.category(c) in {"Cc", "Cs"} for c in label)


# ---------------------------------------------------------------- names and texts


@pytest.fixture(scope="module")
def contact_values(request) -> ModuleType:
    folder = str(request.config.rootpath / "macros" / "udfs")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("contact_values")
    finally:
        sys.path.remove(folder)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Maya <script>alert(1)</script> Ortiz", "Maya alert(1) Ortiz"),
        ("&lt;img src=x onerror=alert(1)&gt;Maya", "Maya"),
        ("Ma\x00ya\x07 Or\x1btiz", "Ma ya Or tiz"),
        (f"{DIRECTION}Maya{DIRECTION}", "Maya"),
        ("\u05de\u05d9\u05d4", "\u05de\u05d9\u05d4"),
        ("5 < 6 & 7 > 2", "5 < 6 & 7 > 2"),
        ("\U0001f469\u200d\U0001f33e", "\U0001f469\u200d\U0001f33e"),
        (" \u200b\u2028 ", None),
    ],
)
def test_a_name_is_one_visible_line_of_text(contact_values, text, kept):
    assert contact_values.plain_text(text) == kept


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_no_text_keeps_a_control_or_a_direction_character(contact_values, text):
    found = contact_values.plain_text(text) or ""
    assert not any(unicodedata.category(c) in {"Cc", "Zl", "Zp"} or c in DIRECTION for c in found)


def test_what_python_gave_to_sql_stays_in_memory_because_duckdb_reads_it_later(contact_values):
    """`test_hostile_account` shows what became of such texts: other ones, errors, endless loops."""
    texts = pa.chunked_array([["a <b>longer</b> text"] * 500])
    before = pa.total_allocated_bytes()
    contact_values.by_columns(contact_values.plain_text)(texts)
    assert pa.total_allocated_bytes() > before + 500 * len("a longer text")


def test_long_texts_lose_what_nobody_can_see_and_keep_their_lines(request):
    macro = request.config.rootpath / "macros" / "visible_text.sql"
    template = jinja2.Environment(autoescape=False).from_string(  # noqa: S701 - it is SQL
        macro.read_text(encoding="utf-8") + "select {{ visible_text('?') }}"
    )
    with duckdb.connect() as connection:
        text = f"a\x01b\r\n\tc{DIRECTION}\u200b\ufeff\x7f<b> \U0001f469\u200d\U0001f33e \u05de"
        found = connection.execute(template.render(), [text]).fetchone()
    assert found == ("ab\r\n\tc<b> \U0001f469\u200d\U0001f33e \u05de",)


# ---------------------------------------------------------------- spreadsheets


@pytest.mark.parametrize("start", list("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"))
def test_no_cell_starts_like_a_formula(start, tmp_path):
    cell = f"{start}HYPERLINK(1)"
    assert safe(cell) == f"'{cell}"
    assert safe(f"  {cell}") == f"'  {cell}"
    file = tmp_path / "a.csv"
    write_csv(file, ("a",), [(cell,)])
    with file.open(encoding="utf-8-sig", newline="") as text:
        assert list(csv.reader(text))[1] == [f"'{cell}"]


@pytest.mark.parametrize("sign", list(';,|\t\n\r"'))
@pytest.mark.parametrize("space", ["", " ", "\u00a0"])
def test_no_part_of_a_cell_starts_like_a_formula_for_whoever_splits_it(sign, space, tmp_path):
    cell = f"a{sign}{space}=1+1"
    assert safe(cell) == f"a{sign}'{space}=1+1"
    assert safe("a; b, c - d") == "a; b, c - d"
    file = tmp_path / "a.csv"
    write_csv(file, ("a", "b"), [(cell, 5)])
    text = file.read_bytes().decode("utf-8-sig")
    assert not re.search(r'[;,|\t\n\r"][ \xa0]*=', text)
    assert text.endswith(",5\r\n")


# ---------------------------------------------------------------- a whole account


UNSEEN = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f{DIRECTION}]")


def texts_of_marts(warehouse):
    """Every text that would cross, with its mart and column."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        columns = connection.execute(
            "select table_name, column_name from duckdb_columns()"
            " where schema_name = 'marts' and data_type like '%VARCHAR%'"
        ).fetchall()
        for table, column in columns:
            for (text,) in connection.execute(
                f'select distinct "{column}"::varchar from marts.{table} where "{column}"'
                " is not null"
            ).fetchall():
                yield table, column, text


def faults(warehouse):
    return sorted(
        {
            (table, column)
            for table, column, text in texts_of_marts(warehouse)
            if UNSEEN.search(text)
            or (column != "deal_attr_raw__c" and ("<img" in text or "<script" in text))
        }
    )


def test_nothing_of_the_dirty_account_crosses_that_nobody_can_see(migrated):
    with duckdb.connect(str(migrated.data_dir / "warehouse.duckdb"), read_only=True) as connection:
        dirty = connection.execute(
            "select count(*) from raw_alpine_iq.contacts"
            " where regexp_matches(payload::varchar, '<script|u0000')"
        ).fetchone()
    assert dirty[0] > 0
    assert faults(migrated.data_dir / "warehouse.duckdb") == []


# ---------------------------------------------------------------- the database


def test_a_dbt_run_locks_its_files(request, tmp_path, monkeypatch):
    root = request.config.rootpath
    hooks = (root / "dbt_project.yml").read_text(encoding="utf-8")
    assert "{{ files_locked() }}" in hooks
    macro = (root / "macros" / "files_locked.sql").read_text(encoding="utf-8")
    statements = re.findall(r"run_query\((['\"])(.+?)\1\)", macro)
    assert len(statements) == 2
    monkeypatch.chdir(root)
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        for _quote, statement in statements:
            connection.execute(statement)
        for attempt in (
            f"select * from read_csv('{tmp_path}/secret.csv')",
            "select * from read_text('/etc/passwd')",
            f"copy (select 1) to '{tmp_path}/out.csv'",
            f"attach '{tmp_path}/other.duckdb' as other",
            "install httpfs",
            "select * from read_csv('seeds/../pyproject.toml')",
            "set enable_external_access = true",
            "set allowed_directories = ['/']",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(attempt)
        connection.execute("create table kept as from read_csv('seeds/mapping/fields.csv')")
        connection.execute("checkpoint")
        assert connection.execute("select count(*) > 50 from kept").fetchone() == (True,)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["secret.csv", "warehouse.duckdb"]


def test_each_test_that_the_privacy_page_names_exists(request):
    root = request.config.rootpath
    files = list((root / "tests" / "python").rglob("test_*.py"))
    known = {path.name for path in files}
    for path in files:
        known |= set(re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M))
    page = (root / "docs" / "privacy.md").read_text(encoding="utf-8")
    named = [
        part
        for whole in re.findall(r"`([\w./]*(?:test_|\.\.\._)[\w.:/]*)`", page)
        for part in whole.rpartition("/")[2].split("::")
    ]
    assert len(named) > 25
    patterns = [name.replace("...", "*") for name in named]
    missing = [each for each in patterns if not any(fnmatch(name, each) for name in known)]
    assert missing == []
