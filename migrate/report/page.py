"""The page: what is asked of the warehouse, and how it is laid out.

Every section is a few queries; a table that does not exist yet gives an empty section, never a
failure, so that the report can be written after any step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from migrate import history
from migrate.gates import Gate, Verdict, judge_in
from migrate.outcome import Cell, Table
from migrate.places import Places
from migrate.report import cost, queries
from migrate.report.cells import as_table, unlinked
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
    figures: dict[str, Cell]
    facts: dict[str, Cell]
    gates: tuple[Gate, ...]
    sections: tuple[Section, ...]


def gather(where: Places) -> tuple[Page, Table]:
    """The page, and the whole remediation list."""
    steps = history.steps(where)
    with open_warehouse(where.warehouse) as warehouse:
        verdict = judge_in(warehouse)
        to_do = warehouse.table("What to do", queries.REMEDIATION)
        spent = cost.measure(warehouse, where, steps)
        sections = (
            *(_section(warehouse, spec) for spec in queries.SECTIONS),
            Section(
                "cost",
                "Tokens and time",
                "What each plan expected, what was spent on it, and how long each step took.",
                spent.tables,
                spent.plot,
            ),
            Section(
                "plans",
                "Days by plan and seats",
                "What the whole migration of this account takes on each of Pipedrive's plans, from "
                "the first read-back to verification, at the share of a day's tokens in force.",
                *cost.on_other_plans(warehouse, where),
            ),
        )
        facts = _facts(warehouse)
        figures = _figures(warehouse, verdict, spent.of_forecast)
    provisional = not any(step.name == "sweep" and step.exit_code == 0 for step in steps)
    name, reason = _verdict(verdict, provisional=provisional)
    go = not verdict.red and bool(verdict.gates)
    return Page(name, go, reason, figures, facts, verdict.gates, sections), to_do


def render(page: Page) -> str:
    """The page as HTML; everything that is not ours is escaped."""
    return layouts("migrate.report").get_template("page.html.j2").render(page=page)


def layouts(package: str) -> Environment:
    """Templates of a package, with the one style sheet and the one way to lay out a table."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, "."), PackageLoader("migrate.report", ".")]),
        autoescape=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"cell": unlinked, "as_table": as_table}
    return environment


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
    plot = spec.plot(tables) if spec.plot else Markup("")
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


def _figures(warehouse: Warehouse, verdict: Verdict, spent: float | None) -> dict[str, Cell]:
    """The few numbers that people ask for first."""
    if not verdict.gates:
        return {}
    counts = warehouse.table("Counts", queries.HEADLINE_COUNTS).rows
    values = warehouse.table("Values", queries.HEADLINE_VALUES).rows
    return {
        "gates green": f"{verdict.green} of {len(verdict.gates)}",
        **{f"{name}s arrived": f"{there:,} of {due:,}" for name, there, due in counts},
        **({"values compared": values[0][0], "of them unequal": values[0][1]} if values else {}),
        **({"tokens against forecast": f"{spent:.1%}"} if spent is not None else {}),
    }
