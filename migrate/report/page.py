"""The page: what is asked of the warehouse, and how it is laid out.

Every section is a few queries; a table that does not exist yet gives an empty section, never a
failure, so that the report can be written after any step.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from migrate import history
from migrate.gates import Gate, Verdict, judge_in
from migrate.outcome import Cell, Table
from migrate.places import Places
from migrate.report import queries
from migrate.report.plots import Bar, bars
from migrate.summaries import Warehouse, open_warehouse

ROWS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, a sentence, perhaps a plot, and tables."""

    anchor: str
    title: str
    introduction: str
    tables: tuple[Table, ...]
    plot: Markup = field(default_factory=Markup)


@dataclass(frozen=True, slots=True)
class Page:
    """Everything the template shows."""

    verdict: str
    go: bool
    reason: str
    facts: dict[str, Cell]
    gates: tuple[Gate, ...]
    sections: tuple[Section, ...]


def gather(where: Places) -> tuple[Page, Table]:
    """The page, and the whole remediation list."""
    steps = history.steps(where)
    with open_warehouse(where.warehouse) as warehouse:
        verdict = judge_in(warehouse)
        to_do = warehouse.table("What to do", queries.REMEDIATION)
        sections = (
            *(_section(warehouse, spec) for spec in queries.SECTIONS),
            _cost(warehouse, where, steps),
        )
        facts = _facts(warehouse)
    provisional = not any(step.name == "sweep" and step.exit_code == 0 for step in steps)
    name, reason = _verdict(verdict, provisional=provisional)
    go = not verdict.red and bool(verdict.gates)
    return Page(name, go, reason, facts, verdict.gates, sections), to_do


def render(page: Page) -> str:
    """The page as HTML; everything that is not ours is escaped."""
    environment = Environment(
        loader=PackageLoader("migrate.report", "."), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["cell"] = shown
    return environment.get_template("page.html.j2").render(page=page)


def shown(value: Cell) -> str:
    """A cell as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}".removesuffix(".00")
    return value


def _verdict(verdict: Verdict, *, provisional: bool) -> tuple[str, str]:
    if not verdict.gates:
        return "NO-GO", "Nothing was verified yet: run aiq2pd verify."
    if verdict.red:
        return "NO-GO", "Red: " + "; ".join(gate.question for gate in verdict.red) + "."
    late = " Provisional until aiq2pd sweep has run: a write may still land late."
    return "GO", f"All {len(verdict.gates)} gates are green or waived." + (
        late if provisional else ""
    )


def _section(warehouse: Warehouse, spec: queries.Spec) -> Section:
    tables = tuple(_shortened(warehouse.table(title, sql)) for title, sql in spec.queries)
    plot = bars(spec.title, spec.introduction, spec.plot(tables)) if spec.plot else Markup("")
    return Section(spec.anchor, spec.title, spec.introduction, tables, plot)


def _shortened(table: Table) -> Table:
    if len(table.rows) <= ROWS_SHOWN:
        return table
    title = (
        f"{table.title} (the first {ROWS_SHOWN} of {len(table.rows):,}; all are in the warehouse)"
    )
    return Table(title, table.columns, table.rows[:ROWS_SHOWN])


def _facts(warehouse: Warehouse) -> dict[str, Cell]:
    found = warehouse.table("Whose", queries.BINDING)
    facts: dict[str, Cell] = dict(found.records()[0]) if found.rows else {}
    return {**facts, "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")}


def _cost(warehouse: Warehouse, where: Places, steps: list[history.Step]) -> Section:
    spent = warehouse.table("Tokens spent, by what they were spent on", queries.TOKENS)
    runs = warehouse.table("Runs", queries.RUNS)
    forecast = Table("Forecast of each plan", ("plan", "frozen", "calls", "tokens"), _plans(where))
    times = Table(
        "Time",
        ("step", "ended", "seconds", "exit_code", "result"),
        tuple((s.name, s.ended_at, s.seconds, s.exit_code, s.headline) for s in steps),
    )
    longest = max((step.seconds for step in steps), default=0.0)
    rows = [Bar(s.name, s.seconds, longest, f"{s.seconds:.1f} s") for s in steps]
    return Section(
        "cost",
        "Tokens and time",
        "What the plan expected and what was spent; seconds by step.",
        (forecast, runs, spent, times),
        bars("Seconds by step", "How long each step took.", rows),
    )


def _plans(where: Places) -> tuple[tuple[Cell, ...], ...]:
    manifests = [
        json.loads(file.read_text(encoding="utf-8")) for file in where.plans.glob("*/manifest.json")
    ]
    manifests.sort(key=lambda manifest: str(manifest["created_at"]))
    return tuple((m["digest"], m["created_at"], m["calls"], m["tokens"]) for m in manifests)
