"""The steps of a migration, one function each: settings and progress in, an outcome out.

They join the parts (extract, dbt, load) and hold no logic of their own. Each leaves a step file
for `status` and the report. Raises what the parts raise; see `load.errors`.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec

from load import warehouse
from load.errors import ConfigError
from migrate import dbt, forget, history
from migrate.outcome import CONFIGURATION, Outcome, Table, if_any
from migrate.places import project_dir, refuse_if_sealed
from migrate.settings import ALPINE_IQ, PIPEDRIVE, TRY_THE_SANDBOX, Settings

if TYPE_CHECKING:
    from extract.alpine_iq.run import ExtractionResult
    from load.ledger import Ledger
    from load.plan import FrozenPlan
    from load.progress import Progress


P = ParamSpec("P")
SOURCE_IS_NEWER: Final = """
select
    coalesce((select max(fetched_at) from raw_alpine_iq.extraction_runs), 'epoch'::timestamptz)
    > coalesce((select max(fetched_at) from raw_pipedrive.readbacks), 'epoch'::timestamptz)
"""


def remembered(
    step: Callable[Concatenate[Settings, Progress, P], Outcome],
) -> Callable[Concatenate[Settings, Progress, P], Outcome]:
    """Prepare the data folder, run the step, and keep what it said and how long it took."""

    @functools.wraps(step)
    def run(
        settings: Settings, progress: Progress, /, *args: P.args, **kwargs: P.kwargs
    ) -> Outcome:
        settings.bind_warehouse()
        began = time.monotonic()
        outcome = step(settings, progress, *args, **kwargs)
        return history.record(settings.places, outcome, seconds=time.monotonic() - began)

    return run


@remembered
def extract_source(
    settings: Settings,
    progress: Progress,
    *,
    per_contact: bool = True,
    sample: int | None = None,
    calls: int | None = None,
    accept_changes: bool = False,
    exports_only: bool = False,
    delta: bool = False,
    timelines: bool | None = None,
    overrides: bool | None = None,
) -> Outcome:
    """`aiq2pd extract`. What is not said about timelines and overrides, the settings say."""
    from migrate.inbox import headers_seed, land_without_calls

    if exports_only:
        landed = land_without_calls(settings)
        forget.erase_again(settings.places)
        return landed
    account = settings.alpine_iq()
    from extract.alpine_iq import extract_account
    from extract.alpine_iq.calls import CallPlan, spoken

    plans: list[CallPlan] = []

    def announced(plan: CallPlan) -> None:
        plans.append(plan)
        every = (*plan.lines, *plan.left_out)
        lines = (f"  {each.endpoint}: {each.calls:,} ({each.why})" for each in every)
        told = [f"{plan.calls:,} calls, {spoken(plan.hours)}", *lines]
        sys.stderr.write("\n".join(told) + "\n")

    result = extract_account(
        account,
        settings.data_dir,
        progress=progress,
        per_contact=per_contact,
        sample=sample,
        calls=calls,
        accept_changes=accept_changes,
        inbox_headers=headers_seed(),
        on_plan=announced,
        delta=delta,
        timelines=settings.points_timelines if timelines is None else timelines,
        overrides=settings.overrides if overrides is None else overrides,
    )
    forget.erase_again(settings.places)
    rows = tuple(sorted(result.rows.items()))
    planned = tuple((each.endpoint, each.calls, each.why) for plan in plans for each in plan.lines)
    left_out = tuple(
        (each.endpoint, each.calls, each.why) for plan in plans for each in plan.left_out
    )
    gaps = tuple(sorted(result.gaps.items()))
    return Outcome(
        "extract",
        f"landed {sum(result.rows.values()):,} rows with {result.calls:,} calls",
        facts={
            "calls": result.calls,
            "fewest possible calls": result.minimum_calls,
            "contacts asked for one by one": result.asked_for,
        },
        tables=(
            Table("Calls planned", ("resource", "calls", "why"), planned),
            *if_any("Calls left out", ("resource", "calls", "why"), left_out),
            Table("Rows in raw_alpine_iq", ("table", "rows"), rows),
            *_what_changed(result),
            *if_any("Not available in this account", ("resource", "why"), gaps),
        ),
        notes=("Next: aiq2pd build",),
    )


def _what_changed(result: ExtractionResult) -> tuple[Table, ...]:
    """What a second extraction finds beside new and changed rows."""
    late = tuple(sorted((name, rows) for name, rows in result.late.items() if rows))
    gone = tuple(sorted(result.no_longer_listed.items()))
    return (
        *if_any("Came late", ("resource", "rows"), late),
        *if_any("No longer in the list", ("asked by id", "contacts"), gone),
    )


@remembered
def build_models(
    settings: Settings, progress: Progress, *, select: str = "", unit_tests: bool = False
) -> Outcome:
    """`aiq2pd build`. Keys that the ledger knows decide which keys records keep."""
    from migrate.seed_rules import check_seed_rules

    check_seed_rules(project_dir())
    if settings.places.ledger.exists():
        with open_ledger(settings) as ledger:
            publish_ledger(settings, ledger)
    done = _dbt(
        settings,
        progress,
        select=tuple(select.split()),
        selector="" if select else "build",
        unit_tests=unit_tests,
    )
    nodes = tuple((kind, count) for kind, count in done.nodes.items())
    return Outcome(
        "build",
        f"dbt: {sum(done.nodes.values())} nodes passed",
        facts={"seconds": round(done.seconds, 1), "warnings": len(done.warnings)},
        tables=(
            Table("Nodes", ("kind", "passed"), nodes),
            *_warnings(done),
        ),
        notes=("Next: aiq2pd plan",),
    )


@remembered
def make_plan(settings: Settings, progress: Progress, *, read_back: bool | None = None) -> Outcome:
    """`aiq2pd plan`."""
    settings.require((*ALPINE_IQ[1:2], *PIPEDRIVE))
    _warehouse_exists(settings)
    from load.plan import freeze
    from migrate.completeness import build_is_whole
    from migrate.continuity import keys_go_on
    from migrate.loading import company
    from migrate.signing import hashes
    from migrate.summaries import history_ways, order_strategies, plan_tables, source_read_at

    with open_ledger(settings) as ledger:
        who = asyncio.run(company(settings.pipedrive(), ledger))
        if read_back or (read_back is None and _is_unread(settings, ledger)):
            _read_back(settings, progress, ledger)
        publish_ledger(settings, ledger)
    _dbt(settings, progress, selector="plan")
    build_is_whole(settings.places.warehouse)
    keys_go_on(settings.places.warehouse)
    strategies, problem = order_strategies(settings.places.warehouse)
    if problem:
        return Outcome("plan", f"nothing is frozen: {problem}", CONFIGURATION, tables=(strategies,))
    plan = freeze(
        settings.places.warehouse,
        settings.places.plans,
        source_account=str(settings.alpine_iq_uid),
        company_id=who.company_id,
        more=hashes(settings, who.company_id) | source_read_at(settings.places.warehouse),
    )
    facts, tables = plan_tables(settings.places.warehouse)
    return Outcome(
        "plan",
        f"plan {plan.digest} is frozen",
        facts={"plan": plan.digest, "company": f"{who.company_domain} ({who.company_id})", **facts},
        tables=(*tables, strategies, history_ways(settings.places.warehouse)),
        notes=("Next: aiq2pd apply --dry-run, then aiq2pd apply",),
    )


@remembered
def closing_sweep(settings: Settings, progress: Progress) -> Outcome:
    """`aiq2pd sweep`."""
    account = settings.pipedrive()
    from migrate.loading import sweep, sweep_outcome

    with open_ledger(settings) as ledger:
        result = asyncio.run(sweep(account, ledger, progress=progress))
        publish_ledger(settings, ledger)
    return sweep_outcome(result)


@remembered
def verify_target(settings: Settings, progress: Progress, *, read_back: bool = True) -> Outcome:
    """`aiq2pd verify`."""
    settings.require(PIPEDRIVE)
    _warehouse_exists(settings)
    from migrate.gates import judge
    from migrate.summaries import reconciliation_tables

    with open_ledger(settings) as ledger:
        if read_back:
            _read_back(settings, progress, ledger)
        publish_ledger(settings, ledger)
    _dbt(settings, progress, selector="verify")
    verdict = judge(settings.places.warehouse)
    return Outcome(
        "verify",
        verdict.headline,
        verdict.exit_code,
        facts={"gates green": f"{verdict.green} of {len(verdict.gates)}"},
        tables=(verdict.table(), *reconciliation_tables(settings.places.warehouse)),
        notes=("Next: aiq2pd report",),
    )


def _dbt(
    settings: Settings,
    progress: Progress,
    *,
    select: tuple[str, ...] = (),
    selector: str = "",
    unit_tests: bool = False,
) -> dbt.DbtRun:
    project = project_dir()
    return dbt.build(
        project,
        environment=settings.environment_of_dbt(),
        target_path=settings.places.dbt_target(project),
        progress=progress,
        select=select,
        selector=selector,
        unit_tests=unit_tests,
    )


def _warnings(done: dbt.DbtRun) -> tuple[Table, ...]:
    return if_any("Warnings", ("test",), tuple((name,) for name in done.warnings))


def open_ledger(settings: Settings) -> Ledger:
    from load.ledger import Ledger

    refuse_if_sealed(settings.places)
    ledger = Ledger.open(settings.places.ledger, settings.ledger_key())
    ledger.backup_dir = settings.backup_dir
    return ledger


def _is_unread(settings: Settings, ledger: Ledger) -> bool:
    """Whether Pipedrive was not read yet, or not since the source was read last."""
    if not ledger.db.execute("select 1 from id_map limit 1").fetchone():
        return True
    from migrate.summaries import open_warehouse

    with open_warehouse(settings.places.warehouse) as warehouse:
        return bool(warehouse.number(SOURCE_IS_NEWER))


def publish_ledger(settings: Settings, ledger: Ledger) -> bool:
    from load.ledger import publish

    return publish(ledger, settings.places.warehouse)


def _read_back(settings: Settings, progress: Progress, ledger: Ledger) -> Any:
    from extract.pipedrive import read_back
    from load.undo.account import made_any
    from migrate.summaries import wants

    result = read_back(
        settings.pipedrive(),
        settings.data_dir,
        ledger=ledger,
        progress=progress,
        activities=made_any(ledger, "activity") or wants(settings.places, "mart_activities"),
        files=made_any(ledger, "file") or wants(settings.places, "mart_files"),
    )
    forget.erase_again(settings.places)
    return result


def frozen_plan(settings: Settings, digest: str) -> FrozenPlan:
    from load.plan import latest_plan, open_plan

    if digest:
        return open_plan(settings.places.plans / digest)
    plan = latest_plan(settings.places.plans)
    if plan is None:
        raise ConfigError(f"no plan in {settings.places.plans}: make one with `aiq2pd plan`")
    return plan


def _warehouse_exists(settings: Settings) -> None:
    if not warehouse.is_there(settings.places.warehouse):
        raise ConfigError(
            f"no warehouse at {settings.places.warehouse}: run `aiq2pd extract` and `aiq2pd build` "
            f"first; {TRY_THE_SANDBOX}"
        )
