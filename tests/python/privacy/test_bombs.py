"""Small files that unpack, nest or refer to themselves without end are refused, and soon."""

from __future__ import annotations

import resource
import shutil
import zipfile

import pytest

from load.errors import ConfigError
from migrate.review.workbook import read, write

WORKBOOK_MOST = 40 * 1024  # KiB of further memory


@pytest.fixture
def book(request, tmp_path):
    seeds = shutil.copytree(request.config.rootpath / "seeds", tmp_path / "seeds")
    file = tmp_path / "review.xlsx"
    write(file, seeds, {})
    return file, seeds


def test_a_workbook_that_unpacks_to_far_more_than_it_is_is_not_opened(book):
    file, seeds = book
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as packed:
        for number in range(8):
            packed.writestr(f"xl/worksheets/sheet9{number}.xml", b" " * 16 * 1_048_576)
    assert file.stat().st_size < 1_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ConfigError, match="unpacks to 128 MiB"):
        read(file, seeds)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < WORKBOOK_MOST


def test_a_workbook_whose_texts_refer_to_each_other_without_end_is_refused(book):
    file, seeds = book
    with zipfile.ZipFile(file) as packed:
        parts = {one: packed.read(one) for one in packed.namelist()}
    name = "xl/worksheets/sheet1.xml"
    head, _, _ = parts[name].decode().partition("<sheetData>")
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    text = '<row r="1"><c r="A1" t="inlineStr"><is><t>&a11;</t></is></c></row>'
    doctype = f'<?xml version="1.0"?><!DOCTYPE worksheet [<!ENTITY a0 "lol">{entities}]>'
    parts[name] = f"{doctype}{head}<sheetData>{text}</sheetData></worksheet>".encode()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for one, held in parts.items():
            packed.writestr(one, held)
    with pytest.raises(ConfigError, match="no workbook"):
        read(file, seeds)
