"""kill -9 before the intent, after it, when the server acted, after the answer; then run again.

Each ends as a run that nobody killed: the same records, none doubled, none lost.
"""

from __future__ import annotations

import signal

import pytest

PERSONS = 4
POINTS = [
    ("create.before_intent:person#1", None),
    ("create.after_intent:person#1", None),
    *((f"create.after_answer:person#{n}", None) for n in range(1, PERSONS + 1)),
    *((f"create.after_outcome:person#{n}", None) for n in (1, PERSONS)),
    *(("", ("/api/v2/persons", n)) for n in range(1, PERSONS + 1)),
]


def only_people(worlds):
    world = worlds.small(persons=PERSONS, deals=0)
    del world.payloads["product"]
    return world


@pytest.fixture(scope="module")
def undisturbed():
    """The picture of a run that nobody killed, made once."""
    return {}


@pytest.mark.parametrize(("point", "at_answer"), POINTS, ids=lambda value: str(value or "-"))
def test_a_killed_run_that_is_run_again_ends_as_if_never_killed(  # noqa: PLR0917
    new_company, new_loader, worlds, undisturbed, point, at_answer
):
    if not undisturbed:
        calm = new_loader(new_company())
        assert calm.apply(only_people(worlds)).exit_code == 0
        undisturbed |= worlds.picture(calm.company)
    loader = new_loader(new_company())
    plan = only_people(worlds).freeze(loader.folder / "plans")
    killed = loader.apply_in_process(plan, crashpoint=point, die_at_answer=at_answer)
    assert killed == -signal.SIGKILL
    result = loader.apply(plan)
    assert result.exit_code == 0
    assert worlds.picture(loader.company) == undisturbed
    assert set(loader.states("person").values()) == {"confirmed"}
    assert loader.apply(plan).writes == 0
