"""Report and documents in a real browser: from the file, offline, wide, narrow, light, dark."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.python.browser import browser, page_of, violations

DOCUMENTS = (
    *("scope", "data-dictionary", "order-line-dictionary", "rebuild-by-hand", "push-opt-ins"),
)
SHAPES = ((1280, "light"), (390, "light"), (1280, "dark"))


@pytest.fixture(scope="module")
def running():
    with browser() as one:
        yield one


@pytest.fixture(scope="module")
def report(pages) -> Path:
    return pages / "report" / "report.html"


def test_the_verdict_stands_first_and_says_go(running, report):
    with page_of(running, report) as page:
        assert page.title().startswith("GO")
        assert page.locator(".verdict strong").inner_text() == "GO"
        assert page.locator(".verdict").bounding_box()["y"] < 200
        figures = page.locator(".tiles").inner_text()
        assert "persons arrived" in figures
        assert "tokens against forecast" in figures


def test_each_gate_shows_its_result_its_threshold_and_on_demand_its_sql(running, report):
    from migrate.gates import QUESTIONS

    with page_of(running, report) as page:
        gates = page.locator(".gates > li")
        assert gates.count() == len(QUESTIONS)
        for at, question in enumerate(QUESTIONS):
            gate = gates.nth(at)
            assert "✓ green" in gate.inner_text()
            assert f"allowed {question.allowed:g}" in gate.inner_text()
            sql = gate.locator("pre")
            assert not sql.is_visible()
            gate.locator("summary").press("Enter")
            assert sql.is_visible()
            assert sql.inner_text().split() == question.sql.split()


def test_plots_are_drawn_with_a_name_and_a_description(running, report):
    with page_of(running, report) as page:
        plots = page.locator("svg[role=img]")
        assert plots.count() >= 5
        for at in range(plots.count()):
            plot = plots.nth(at)
            assert plot.locator("title").text_content()
            assert plot.locator("desc").text_content()
            assert plot.bounding_box()["height"] > 20
            assert plot.locator("rect.part, rect.yes").count() > 0


def test_tables_hold_rows_and_counts_agree_with_the_warehouse(running, report, pages):
    import duckdb

    with duckdb.connect(str(pages / "warehouse.duckdb"), read_only=True) as warehouse:
        expected = warehouse.execute(
            "select entity, eligible from reconciliation.rec_counts order by phase"
        ).fetchall()
    with page_of(running, report) as page:
        rows = page.locator("#counts table").first.locator("tbody tr")
        shown = [rows.nth(at).locator("td").all_inner_texts()[:2] for at in range(rows.count())]
        assert shown == [[entity, f"{eligible:,}"] for entity, eligible in expected]
        for section in (
            "dimensions",
            "population",
            "tags",
            "fields",
            "spot-check",
            "cost",
            "plans",
        ):
            assert page.locator(f"#{section} tbody tr").count() > 0, section


def test_the_spot_check_shows_both_sides_and_links_into_the_account(running, report):
    with page_of(running, report) as page:
        rows = page.locator("#spot-check tbody tr")
        assert rows.count() % 2 == 0
        above, below = rows.nth(0).locator("td"), rows.nth(1).locator("td")
        assert above.all_inner_texts()[3] == "Alpine IQ"
        assert below.all_inner_texts()[3] == "Pipedrive"
        assert above.all_inner_texts()[4:-1] == below.all_inner_texts()[4:-1]
        link = page.locator("#spot-check a").first.get_attribute("href")
        assert link.startswith("https://")
        assert ".pipedrive.com/person/" in link


@pytest.mark.parametrize(("width", "scheme"), SHAPES)
def test_axe_finds_nothing_on_the_report(running, report, width, scheme):
    with page_of(running, report, width=width, scheme=scheme) as page:
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", DOCUMENTS)
def test_axe_finds_nothing_on_the_documents_and_a_phone_shows_them(running, pages, name):
    with page_of(running, pages / "documents" / f"{name}.html", width=390) as page:
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator("tbody tr").count() > 0


LINES_OF_CODES = """all => all.map(one => {
    const text = document.createRange()
    text.selectNodeContents(one)
    return new Set([...text.getClientRects()].map(box => Math.round(box.top))).size
})"""


@pytest.mark.parametrize(("width", "media"), [(390, "screen"), (1280, "screen"), (1030, "print")])
def test_a_code_of_forty_characters_is_read_in_two_lines_on_phone_and_paper(
    running, pages, width, media
):
    """1030 pixels: a sheet of A4 laid across, less its margins."""
    with page_of(running, pages / "documents" / "data-dictionary.html", width=width) as page:
        page.emulate_media(media=media)
        written = page.locator("td.code:not(:empty)")
        assert written.count() > 60
        assert {len(text) for text in written.all_inner_texts()} == {40}
        assert set(written.evaluate_all(LINES_OF_CODES)) == {2}
        if media == "print":
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            tables = page.locator("table").evaluate_all("all => all.map(one => one.scrollWidth)")
            assert max(tables) <= width


def test_on_a_phone_the_label_stays_in_sight_while_the_table_is_moved(running, pages):
    with page_of(running, pages / "documents" / "data-dictionary.html", width=390) as page:
        page.locator(".scroll").first.evaluate("one => { one.scrollLeft = 400 }")
        assert 0 <= page.locator("tbody td").first.bounding_box()["x"] < 40
        widths = page.locator("tbody td:first-child").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().width)"
        )
        assert 80 < min(widths) <= max(widths) < 200


def test_axe_would_find_a_fault(running, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text('<html><body><p style="color:#eee">pale</p><img src="data:,"></body></html>')
    context = running.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(bad.as_uri())
    found = " ".join(violations(page))
    context.close()
    assert "color-contrast" in found
    assert "image-alt" in found
    assert "html-has-lang" in found


def test_all_sections_are_reached_with_the_keyboard(running, report):
    with page_of(running, report) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#gates"
        targets = page.locator("nav a").evaluate_all("all => all.map(a => a.hash.slice(1))")
        assert targets[0] == "gates"
        assert all(page.locator(f"#{target}").count() == 1 for target in targets)
        scrolling = page.locator(".scroll")
        assert scrolling.evaluate_all("all => all.every(one => one.tabIndex === 0)")


def test_on_paper_nothing_is_cut_off(running, report):
    with page_of(running, report) as page:
        page.emulate_media(media="print")
        assert page.locator("nav").is_hidden()
        overflow = page.locator(".scroll").evaluate_all(
            "all => all.map(one => getComputedStyle(one).overflowY)"
        )
        assert set(overflow) == {"visible"}
