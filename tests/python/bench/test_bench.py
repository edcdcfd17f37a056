"""docs/benchmarks.md says what bench/results holds; every part can be run by its name."""

from __future__ import annotations

import json
from importlib import import_module

import pytest

from bench.document import DOCUMENT, RESULTS, ratios, results, written
from bench.parts import PARTS
from bench.rows import Row


def result(part: str, size: int, *rows: Row, processor: float = 1.0) -> dict:
    return {
        "part": part,
        "size": size,
        "method": "Counted twice.",
        "rows": [
            {field: getattr(row, field) for field in Row.__dataclass_fields__} for row in rows
        ],
        "wall_seconds": 2.0,
        "processor_seconds": processor,
        "peak_memory_mib": 10,
        "measured_on": "2026-11-26",
        "commit": "abc",
        "machine": "2 cores",
        "load_average": [0.1, 0.2],
    }


def test_the_page_is_what_the_kept_results_say():
    assert results(RESULTS, PARTS)
    assert DOCUMENT.read_text(encoding="utf-8") == written(RESULTS, PARTS)


def test_every_kept_result_belongs_to_a_part_and_a_size_that_the_bench_measures():
    for file in RESULTS.glob("*.json"):
        kept = json.loads(file.read_text(encoding="utf-8"))
        assert file.name == f"{kept['part']}-{kept['size']}.json"
        assert kept["size"] in PARTS[kept["part"]]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_says_its_method_and_has_a_measure(part):
    assert len(import_module(f"bench.{part}").measure.__doc__.split()) > 20


def test_a_ratio_is_the_value_over_its_baseline_and_a_figure_without_one_is_not_among_them():
    row = Row("landed", 30.0, "s", "read_json", 20.0, aim="at most 1.7")
    table = ratios([result("landing", 1_000, row, Row("JSON", 5, "MiB"))])
    assert "| Landing | 1,000 | landed | 30 s | read_json: 20 | 1.5 | at most 1.7 |" in table
    assert "JSON" not in table


def test_the_page_shows_growth_says_what_was_worked_out_and_what_was_never_measured(tmp_path):
    small = result("landing", 1_000, Row("landed", 1, "s"), processor=2.0)
    large = result("landing", 100_000, Row("landed", 9, "s"), processor=100.0)
    beyond = result("landing", 1_000_000, Row("days", 3, "days", is_worked_out=True))
    for each in (small, large, beyond):
        (tmp_path / f"{each['size']}.json").write_text(json.dumps(each))
    page = written(tmp_path, {"landing": (1_000, 100_000, 1_000_000), "plan": (1_000,)})
    assert "50 times the processor time for 100 times the contacts" in page
    assert "| days | 3 days (worked out) |" in page
    assert "Not measured yet: Plan at 1,000." in page
    assert "| Landing | 1,000,000 | 2.0 |" not in page
