"""Protections of the loader, each of which can be switched off: the checker must notice.

A mutant replaces one function or constant of the loader for as long as its block lasts. `hunt`
plays schedules until one of them breaks an invariant, and says after how many and which.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Final
from unittest.mock import patch

import httpx

from load import (
    budget,
    client,
    creates,
    deciding,
    guard,
    late,
    merge,
    outcomes,
    provision,
    settle,
    sweep,
)
from load.errors import Rejected
from load.ledger import changes, cipher, doubts, records, removals, store
from load.outcomes import Outcome
from load.payload import current_value, target_hash
from load.undo import planning, removing, restoring, rules
from simulation import scenario
from simulation.directed import (
    address_added_before_our_second_update,
    clock_set_forward,
    deleted_before_the_look,
    double_that_people_work_with,
    edited_before_the_look,
    hidden_before_the_look,
    late_update_of_a_dead_run,
    made_under_two_plans,
    opted_out_meanwhile,
)
from simulation.scenario import play
from simulation.schedule import Schedule, random_schedule
from simulation.stage import Stage


@dataclass(frozen=True, slots=True)
class Mutant:
    """One protection less. `places` are (module or class, attribute, what stands there instead)."""

    name: str
    places: tuple[tuple[Any, str, Any], ...]
    # schedules that need it: chance alone brings them about too seldom
    directed: Callable[[Stage], Iterable[Schedule]] = lambda _stage: ()

    @contextmanager
    def let_loose(self) -> Iterator[None]:
        """Switches the protection off for the length of the block."""
        with ExitStack() as stack:
            for where, name, instead in self.places:
                stack.enter_context(patch.object(where, name, instead))
            yield


@dataclass(frozen=True, slots=True)
class Catch:
    """What became of a mutant: the first violation, and how many schedules it took."""

    mutant: str
    schedules: int
    violation: str | None
    replay: str | None


def hunt(mutant: Mutant, stage: Stage, *, most: int) -> Catch:
    """Plays directed schedules, then random ones from seed 0 on, until one of them breaks."""
    directed = list(mutant.directed(stage))
    schedules = chain(directed, map(random_schedule, range(most - len(directed))))
    with mutant.let_loose():
        for number, schedule in enumerate(schedules, 1):
            found = _broken(schedule, stage)
            if found is not None:
                return Catch(mutant.name, number, found, schedule.line())
    return Catch(mutant.name, most, None, None)


def _broken(schedule: Schedule, stage: Stage) -> str | None:
    try:
        violations = play(schedule, stage).report.violations
    except Exception as error:  # noqa: BLE001 - a loader that stops over its mutation was caught
        return type(error).__name__
    return str(violations[0]) if violations else None


# ------------------------------------------------------------------ what stands there instead


def _resend_at_once(ledger: Any, entity: str, key: str, **_: Any) -> None:
    records.back_to_planned(ledger, entity, key)


def _forget_intents(ledger: Any, **_: Any) -> tuple[int, int]:
    with ledger.transaction() as db:
        db.execute("update id_map set state = 'planned' where state = 'intent'")
        db.execute("update attempts set outcome = 'rejected' where outcome is null")
    return 0, 0


async def _by_the_wall_clock(run: Any, phase: Any) -> None:
    parked = records.in_state(run.ledger, phase.entity, "ambiguous")
    until = max(datetime.fromisoformat(one.not_before or run.ledger.stamp()) for one in parked)
    while (left := (until - run.ledger.now()).total_seconds()) > 0:
        await run.clock.sleep(left)


async def _no_wait(*_: Any) -> None:
    return None


async def _nothing_listed(*_: Any) -> dict[str, Any]:
    return {}


async def _no_sweep(*_: Any, **__: Any) -> sweep.SweepResult:
    return sweep.SweepResult()


async def _no_children(*_: Any) -> bool:
    return False


def _always_ours(policy: str, column: str, **given: Any) -> merge.Verdict:
    verdict = _decide(policy, column, **given)
    return "send" if verdict == "keep" and policy == "source_wins" else verdict


def _consent_like_any_other(policy: str, column: str, **given: Any) -> merge.Verdict:
    if policy != "never_raise":
        return _decide(policy, column, **given)
    same = _decide("merge_set", column, **given) == "same"
    return "same" if same else "send"


def _over_what_was_there(policy: str, column: str, *, basis: merge.Basis, **given: Any) -> Any:
    if not basis.is_adoption:
        return _decide(policy, column, basis=basis, **given)
    return "send" if _decide("merge_set", column, basis=basis, **given) == "send" else "same"


def _whole_list(column: str, _current: Any, desired: Any, _ours: Any, *, salt: str) -> Any:
    return list(desired or []), merge.element_hashes(column, desired, salt=salt)


def _made_again(ledger: Any, entity: str, key: str) -> None:
    records.back_to_planned(ledger, entity, key)


def _refused_when_it_failed(reply: Any, endpoint: str, sent: object) -> Outcome:
    outcome = _of_reply(reply, endpoint, sent)
    if outcome.kind != "ambiguous" or endpoint.startswith("GET"):
        return outcome
    error = Rejected(f"{endpoint}: failed", status=400, code=None, field=None)
    return dataclasses.replace(outcome, kind="rejected", error=error)


def _plainly(_cipher: Any, value: Any, **_: Any) -> bytes:
    return json.dumps(value).encode()


def _by_place(_run: Any, _phase: Any, call: creates.CreateCall, sent: Any) -> dict[str, Any]:
    if sent.kind != "ok" or not isinstance(sent.data, list):
        return {}
    keys = [draft.row.source_key for draft in reversed(call.drafts)]
    return dict(zip(keys, sent.data, strict=False))


def _as_it_was(column: rules.Column, _current: Any, **_: Any) -> list[Any]:
    return list(column.before or [])


async def _field_again(*_: Any) -> None:
    return None


def _as_the_list_shows(
    _ledger: Any, phase: Any, record: Any, found: Any, names: Any, *, salt: str
) -> Any:
    return {
        column: target_hash(column, current_value(phase.entity, column, found, names), salt=salt)
        for column in record.field_hashes
    }


_decide: Final[Callable[..., merge.Verdict]] = merge.decide
_of_reply: Final = outcomes.of_reply
_nothing: Final[Callable[..., Any]] = lambda *_, **__: None  # noqa: E731

MUTANTS: Final = (
    Mutant("a create of unknown outcome is sent again at once", (
        (records, "park", _resend_at_once),
    )),
    Mutant("intents of a dead run count as never sent", ((doubts, "recover", _forget_intents),)),
    Mutant("a time-out counts as never sent", ((client, "NEVER_SENT", (httpx.HTTPError,)),)),
    Mutant("a server error counts as a refusal", ((client, "of_reply", _refused_when_it_failed),)),
    Mutant("nobody waits before looking", ((settle, "_wait", _no_wait),)),
    Mutant("settle times are waited for by the wall clock", (
        (settle, "_wait", _by_the_wall_clock),
    ), directed=clock_set_forward),
    Mutant("what an older create sent counts as planned", (
        (late, "_older", lambda *_: set()),
    ), directed=made_under_two_plans),
    Mutant("the list is read down to the newest known id only", (
        (doubts, "parked_since", lambda ledger, entity, _keys: 10**9 if ledger and entity else 0),
    )),
    Mutant("archived and deleted records are not looked for", (
        (settle, "_look_in_hidden", _nothing_listed),
    ), directed=hidden_before_the_look),
    Mutant("what no list shows is not asked for by its id", (
        (settle, "_look_by_id", _nothing_listed),
    ), directed=deleted_before_the_look),
    Mutant("what a list shows of a late record counts as ours", (
        (late, "sent_hashes", _as_the_list_shows),
    ), directed=edited_before_the_look),
    Mutant("nobody looks whether an opt-out was written over", (
        (guard, "_look", lambda *_: guard.Finding("clear")),
    ), directed=opted_out_meanwhile),
    Mutant("no closing sweep", ((scenario, "sweep", _no_sweep),)),
    Mutant("the sweep removes doubles that people work with", (
        (sweep, "_is_untouched", lambda *_: True), (sweep, "_has_children", _no_children),
    )),
    Mutant("doubles are not written down", (
        (records, "note_extra", _nothing),
    ), directed=double_that_people_work_with),
    Mutant("a field of unknown outcome is made again", ((provision, "_look_again", _field_again),)),
    Mutant("edits of people are written over", ((deciding, "decide", _always_ours),)),
    Mutant("consent is a column like any other", (
        (deciding, "decide", _consent_like_any_other), (deciding, "rank_guard", _nothing),
    )),
    Mutant("adoption writes over what was there", ((deciding, "decide", _over_what_was_there),)),
    Mutant("lists are replaced as a whole", ((deciding, "merged", _whole_list),)),
    Mutant("updates keep no journal that is read", ((changes, "doubtful_updates", lambda *_: {}),)),
    Mutant("after a crash updates are repeated without waiting", (
        (changes, "has_doubtful_updates", lambda _ledger: False),
    ), directed=late_update_of_a_dead_run),
    Mutant("what people deleted is made again", ((changes, "mark_gone", _made_again),)),
    Mutant("before-images are stored in plain text", ((cipher.Cipher, "seal", _plainly),)),
    Mutant("events are not chained", ((store, "_link", lambda _row: "link"),)),
    Mutant("the customer's share of tokens is ignored", (
        (budget.DailyBudget, "available", lambda _self: 10**9),
    )),
    Mutant("undo deletes what people changed", (
        (planning, "touched", lambda *_, **__: []), (removing, "touched", lambda *_, **__: []),
    )),
    Mutant("undo deletes what others hang on", (
        (planning, "_hold", _nothing), (removing, "anything_hangs_on", lambda *_: []),
    )),
    Mutant("undo puts consent back up", (
        (rules, "raises", lambda *_: False), (restoring, "raises", lambda *_: False),
    )),
    Mutant("undo does not know what it has sent", ((removals, "removed", removals.kept),)),
    Mutant("undo puts lists back as they were", (
        (rules, "_with_theirs", _as_it_was),
    ), directed=address_added_before_our_second_update),
    Mutant("undo puts nothing back", (
        (removals, "before_image", lambda *_: "something else"),
    )),
    Mutant("a line's id is taken by its place in the answer", (
        (creates, "_found_lines", _by_place),
    )),
)  # fmt: skip
