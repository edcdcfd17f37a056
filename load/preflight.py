"""Before the first write: is this the right account, does the plan fit it, and what else listens?

Each question is a gate: green, red, or waived by name. Anything red stops an apply. Gates whose
answer no API gives (see `own`) are asked by the caller. Reads cost 52 tokens, 20 more where
activities are made and 10 for each of our key fields, the canary 20 and the pipeline lists; the
canary flies only if there is something to write and none came back unharmed within the last day.
`company` can't be waived.

    token company plan_and_seats budget custom_fields adopted ledger deal_cap activity_types
    contact_sync webhooks canary

Raises `ConfigError` for a waiver of a gate that nobody knows, and what the client raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, Protocol
from urllib.parse import urlsplit

from load.activity_types import missing_types
from load.budget import FACTORS, daily_tokens
from load.canary import last_green, send_canary
from load.confirming import unconfirmed, why_unconfirmed
from load.errors import ConfigError
from load.ledger import records
from load.ledger.store import Ledger
from load.newest import unknown_keys
from load.phases import PHASES
from load.pipelines import Places, list_places, provision_pipelines, unknown_places
from load.plan import FrozenPlan
from load.preview import would
from load.provision import FIELD_CAPS, Listed, list_fields, missing_fields
from load.run import Run, Sender, Shows, Waits
from load.settings import PipedriveAccount

GATES: Final = (
    "token",
    "company",
    "plan_and_seats",
    "budget",
    "custom_fields",
    "adopted",
    "ledger",
    "deal_cap",
    "activity_types",
    "contact_sync",
    "webhooks",
    "canary",
)
NEVER_WAIVED: Final = frozenset({"company"})
CANARY_LASTS_SECONDS: Final = 86_400.0
WAIVED: Final = "gate waived"
_CONTACT_SYNC: Final = frozenset({"birthday", "postal_address", "job_title", "notes", "im"})
_BATCH: Final = 480

State = Literal["green", "red", "waived"]


@dataclass(frozen=True, slots=True)
class Gate:
    """One question and its answer, with the reason in words."""

    name: str
    state: State
    why: str


@dataclass(frozen=True, slots=True)
class Preflight:
    """All answers, and what they cost."""

    gates: tuple[Gate, ...]
    calls: int
    tokens: int

    @property
    def red(self) -> tuple[Gate, ...]:
        return tuple(gate for gate in self.gates if gate.state == "red")


class Counting(Sender, Protocol):
    """A client that also knows what it sent, and what answers said about the day's tokens."""

    writes: int

    @property
    def daily_limit_told(self) -> int | None:
        """The company's tokens a day by the last answer that named them."""


async def preflight(
    plan: FrozenPlan,
    ledger: Ledger,
    client: Counting,
    *,
    settings: PipedriveAccount,
    clock: Waits,
    progress: Shows,
    watch_seconds: float,
    with_archived: bool = False,
    with_canary: bool = True,
    own: Sequence[Gate] = (),
    waive: Set[str] = frozenset(),
) -> Preflight:
    """Asks everything. Without a canary nothing is written, so that it suits a dry run."""
    _check_waivers(waive, own)
    run = Run(plan, ledger, client, settings, clock, progress, lambda _entity: None)
    with ledger.exclusive():
        ledger.start_run("preflight", plan_digest=plan.digest, code_version="1")
        progress.start("preflight", None)
        reason = "failed"
        try:
            places = await list_places(run) if unknown_places(run) else Places()
            gates = [*own, *await _questions(run, client, settings, places)]
            gates = [_waived(gate, waive) for gate in gates]
            if with_canary and not any(gate.state == "red" for gate in gates):
                bird = await _canary(
                    run, places, watch_seconds, with_archived=with_archived, waive=waive
                )
                gates.append(_waived(bird, waive))
            for gate in gates:
                if gate.state == "waived":
                    ledger.event(WAIVED, {"gate": gate.name, "by": "flag or sandbox"})
            red = [gate.name for gate in gates if gate.state == "red"]
            reason = f"red: {', '.join(red)}" if red else "done"
        finally:
            calls, tokens = ledger.run_use()
            ledger.end_run(reason, writes=client.writes)
            progress.finish("preflight")
    return Preflight(tuple(gates), calls, tokens)


def _check_waivers(waive: Set[str], own: Sequence[Gate]) -> None:
    known = [*GATES, *(gate.name for gate in own)]
    for name in sorted(waive):
        if name in NEVER_WAIVED or name not in known:
            can = ", ".join(one for one in known if one not in NEVER_WAIVED)
            raise ConfigError(f"--waive {name}: can't be waived; these can: {can}")


def _waived(gate: Gate, waive: Set[str]) -> Gate:
    return replace(gate, state="waived") if gate.state == "red" and gate.name in waive else gate


def _gate(name: str, problem: str, fine: str) -> Gate:
    return Gate(name, "red", problem) if problem else Gate(name, "green", fine)


async def _questions(
    run: Run, client: Counting, settings: PipedriveAccount, places: Places
) -> list[Gate]:
    """All gates but the canary."""
    me = (await client.call("GET", "/api/v1/users/me", cost=2, entity="account")).data
    gates = [_token(me), _company(run, me, settings), _plan_and_seats(settings)]
    gates.append(_budget(client, settings))
    listed = await list_fields(run)
    gates += [_custom_fields(run, listed), _adopted(run, listed, places)]
    others = await unknown_keys(run)
    gates += [_gate("ledger", others, "knows the newest records"), _deal_cap(run)]
    unknown = await missing_types(run)
    gates.append(_gate("activity_types", unknown, "every activity has a type of the account's"))
    gates.append(_contact_sync(run, listed))
    hooks = await client.call("GET", "/api/v1/webhooks", cost=10, entity="account")
    gates.append(_webhooks(hooks.data or []))
    return gates


def _token(me: Mapping[str, Any]) -> Gate:
    is_admin = any(
        access.get("admin") and access.get("app") in ("global", "account_settings")
        for access in me.get("access") or []
    )
    problem = "" if is_admin else (
        "the token works, but its user is no administrator: fields can't be made; use the token"
        " of a user with global admin rights"
    )  # fmt: skip
    return _gate("token", problem, "works, and its user is an administrator")


def _company(run: Run, me: Mapping[str, Any], settings: PipedriveAccount) -> Gate:
    found_id, domain = int(me["company_id"]), str(me["company_domain"])
    bound = run.ledger.binding() or {}
    wrong = [
        f"{what} is for company {wanted}"
        for what, wanted, found in (
            ("the configuration", settings.company_id, found_id),
            ("the configuration", settings.company_domain, domain),
            ("the plan", run.plan.manifest.get("company_id"), found_id),
            ("the ledger", bound.get("company_id"), found_id),
        )
        if wanted is not None and str(wanted) != str(found)
    ]
    problem = f"the token is of {domain} ({found_id}), {'; '.join(wrong)}" if wrong else ""
    return _gate("company", problem, f"{domain} ({found_id})")


def _plan_and_seats(settings: PipedriveAccount) -> Gate:
    known = settings.plan.lower() in FACTORS and settings.seats > 0
    problem = "" if known else f"plan {settings.plan!r} with {settings.seats} seats is unknown"
    return _gate("plan_and_seats", problem, f"{settings.plan}, {settings.seats} seats")


def _budget(client: Counting, settings: PipedriveAccount) -> Gate:
    configured, told = daily_tokens(settings.plan, settings.seats), client.daily_limit_told
    problem = ""
    if told is not None and told < configured:
        problem = (
            f"Pipedrive gives {told:,} tokens a day, plan and seats as configured would give"
            f" {configured:,}: correct PIPEDRIVE_PLAN or PIPEDRIVE_SEATS"
        )
    fine = "no answer names the day's tokens: the configuration stands" if told is None else (
        f"{told:,} tokens a day, {settings.budget_share:.0%} of them ours"
    )  # fmt: skip
    return _gate("budget", problem, fine)


def _custom_fields(run: Run, listed: Listed) -> Gate:
    try:
        missing = len(missing_fields(run, listed))
    except ConfigError as error:
        return Gate("custom_fields", "red", str(error))
    used = sum(one["is_custom_field"] for fields in listed.values() for one in fields)
    cap = FIELD_CAPS[run.settings.plan.lower()]
    problem = "" if used + missing <= cap else (
        f"{used} in use and {missing} to be made exceed the cap of {cap}; drop fields from the"
        " mapping or take a larger plan"
    )  # fmt: skip
    return _gate("custom_fields", problem, f"{used} in use, {missing} to be made, cap {cap}")


def _adopted(run: Run, listed: Listed, places: Places) -> Gate:
    why = why_unconfirmed(unconfirmed(run, listed, places))
    return _gate(
        "adopted", f"{why}; or waive this once" if why else "",
        "nothing of others is taken for ours by its name",
    )  # fmt: skip


def _deal_cap(run: Run) -> Gate:
    totals = (run.plan.table("plan_totals") or [{}])[0]
    after, cap = totals.get("deals_after_load"), totals.get("deal_cap")
    if after is None or cap is None:
        return Gate("deal_cap", "green", "the plan does not count deals")
    problem = "" if after <= cap else (
        f"{after:,} deals after the load exceed the cap of {cap:,}; choose another order strategy"
    )  # fmt: skip
    return _gate("deal_cap", problem, f"{after:,} deals after the load, cap {cap:,}")


def _contact_sync(run: Run, listed: Listed) -> Gate:
    is_on = any(one["field_code"] == "birthday" for one in listed.get("person", []))
    wanted = sorted(
        one.column_name
        for one in run.plan.fields()
        if one.entity == "person" and one.field_type == "native"
    )
    needs = [column for column in wanted if column in _CONTACT_SYNC]
    problem = "" if is_on or not needs else (
        f"contact sync is off, and the plan fills {', '.join(needs)}, which exist only with it"
    )  # fmt: skip
    return _gate("contact_sync", problem, "on" if is_on else "off, and nothing needs it")


def _webhooks(hooks: Sequence[Mapping[str, Any]]) -> Gate:
    """The host alone: the rest of an address may hold a secret."""
    active = [one for one in hooks if one.get("is_active", 1)]
    hosts = sorted({urlsplit(str(one.get("subscription_url"))).hostname or "?" for one in active})
    problem = "" if not active else (
        f"{len(active)} active, each fires on every write: {', '.join(hosts)}; pause them, or waive"
        " this if their owners know"
    )  # fmt: skip
    return _gate("webhooks", problem, "none is active")


async def _canary(
    run: Run, places: Places, watch_seconds: float, *, with_archived: bool, waive: Set[str]
) -> Gate:
    if "canary" in waive:
        return Gate("canary", "red", "not sent")
    if not has_something_to_send(run.plan, run.ledger):
        return Gate("canary", "green", "not sent: there is nothing to write")
    if (at := last_green(run.ledger)) and _age(run.ledger, at) < CANARY_LASTS_SECONDS:
        return Gate("canary", "green", f"came back unharmed at {at[:16]}Z")
    stage_id = await _orders_stage(run, places)
    wrong = await send_canary(
        run.client,
        run.ledger,
        run.clock,
        stage_id=stage_id,
        watch_seconds=watch_seconds,
        with_archived=with_archived,
    )
    fine = f"a person and a won deal came back unharmed after {watch_seconds:g} seconds"
    return _gate("canary", wrong, fine)


async def _orders_stage(run: Run, places: Places) -> int:
    """The last stage of the orders' own pipeline, made now if it is not there yet."""
    await provision_pipelines(run, places)
    stages = run.plan.table("plan_stages")
    if not stages:
        answer = await run.client.call("GET", "/api/v2/stages", cost=5, entity="stage")
        return int(answer.data[0]["id"])
    last = max(stages, key=lambda stage: stage["rank"])["source_key"]
    return int(records.fetch(run.ledger, [last])[last].pipedrive_id or 0)


def _age(ledger: Ledger, at: str) -> float:
    return (ledger.now() - datetime.fromisoformat(at)).total_seconds()


def has_something_to_send(plan: FrozenPlan, ledger: Ledger) -> bool:
    """Whether an apply of this plan would write a record."""
    for phase in PHASES:
        for rows in plan.rows(phase.entity, _BATCH):
            known = records.fetch(ledger, [row.source_key for row in rows])
            for row in rows:
                if would(row.action, row.new_hash, known.get(row.source_key)).startswith("would"):
                    return True
    return False
