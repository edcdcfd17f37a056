"""A list that cannot be true is not landed."""

from __future__ import annotations

import pytest

from extract.alpine_iq.guards import Census, ListNotCredibleError, compare

BEFORE = Census("4242", contacts=1_000, with_points=600)


@pytest.mark.parametrize(
    "now",
    [
        Census("4242", contacts=949, with_points=600),
        Census("4242", contacts=0, with_points=0),
        Census("4242", contacts=1_000, with_points=0),
        Census("17", contacts=1_000, with_points=600),
    ],
    ids=["lost more than a twentieth", "empty", "no points", "another account"],
)
def test_a_list_that_cannot_be_true_is_refused(now: Census) -> None:
    with pytest.raises(ListNotCredibleError) as caught:
        compare(now, BEFORE)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (Census("4242", contacts=950, with_points=1), BEFORE),
        (Census("4242", contacts=5_000, with_points=600), BEFORE),
        (Census("4242", contacts=1, with_points=0), None),
        (Census("4242", 10, 0), Census("4242", 10, 0)),
    ],
)
def test_ordinary_change_passes(now: Census, before: Census | None) -> None:
    compare(now, before)
