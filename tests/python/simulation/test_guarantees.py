"""The page of guarantees names tests that exist; its figures come from a campaign's file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from simulation import campaign, guarantees

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "guarantees.md"


def test_every_test_that_the_page_names_exists():
    named = re.findall(r"`((?:simulation|load|checker)/[\w/]*(?:\.py)?)`", PAGE.read_text())
    files = [name for name in named if "test_" in name or name.endswith("undo/")]
    assert len(files) > 10
    assert [name for name in files if not (ROOT / "tests" / "python" / name).exists()] == []


def test_figures_of_a_campaign_come_between_the_markers(tmp_path):
    file, page = tmp_path / "campaign.json", tmp_path / "page.md"
    page.write_text(f"before\n{guarantees.BEGINS}\nold\n{guarantees.ENDS}\nafter\n")
    given = [str(file), "--schedules", "40-43", "--no-sweep", "--no-mutants"]
    assert campaign.main(given) == 0
    assert guarantees.main([str(page), str(file)]) == 0
    empty = tmp_path / "empty.json"
    assert campaign.main([str(empty), "--schedules", "0-0", "--no-sweep", "--no-mutants"]) == 0
    assert guarantees.main([str(page), str(file), str(empty)]) == 0
    text = page.read_text()
    totals = json.loads(file.read_text())["random"]["totals"]
    assert totals["schedules"] == 3
    assert f"| random schedules | 3 | 40 to 43 | {totals['calls']} |" in text
    assert "against the sandbox, not pipedrive" in text.lower()
    assert "old" not in text
    assert text.startswith("before")
    assert text.endswith("after\n")


def test_what_real_processes_went_through_is_summed_by_kind_and_version(tmp_path):
    about = {"version": "v1", "date": "2026-01-02", "machine": "a machine"}
    lines = [
        {"what": "cut", "tried": 3, "wrong": 0, **about},
        {"what": "cut", "tried": 4, "wrong": 1, **about},
        {"what": "cut", "tried": 9, "wrong": 0, **about, "version": "v2"},
    ]
    text = guarantees.of_processes(lines)
    assert "| cut | 7 | 1 | v1 | 2026-01-02 | a machine |" in text
    assert "| cut | 9 | 0 | v2 | 2026-01-02 | a machine |" in text
    assert guarantees.of_processes([]) == ""


def test_a_page_without_markers_is_refused():
    with pytest.raises(ValueError, match="no place for figures"):
        guarantees.with_figures("a page", "figures")
