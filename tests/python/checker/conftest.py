"""A clean end state for the checker's tests: one undisturbed load, second load and sweep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy

import pytest

from checker.evidence import Evidence
from simulation.scenario import play
from simulation.schedule import Schedule
from simulation.stage import Stage


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    made = Stage.open()
    yield made
    made.close()


@pytest.fixture(scope="session")
def clean_ending(stage: Stage) -> Evidence:
    return play(Schedule(1), stage).evidence


@pytest.fixture
def clean(clean_ending: Evidence) -> Callable[[], Evidence]:
    """A copy that a test may break."""
    return lambda: deepcopy(clean_ending)
