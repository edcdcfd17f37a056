"""What is told beside the bar while contacts are asked for one by one."""

from __future__ import annotations

import pytest

from extract.alpine_iq.per_contact import pace


@pytest.mark.parametrize(
    ("made", "left", "seconds", "told"),
    [
        (0, 2_000, 0.0, "2,000 calls left, 0 a minute, about 16 min"),
        (5, 100, 0.5, "100 calls left, 600 a minute, under a minute"),
        (100, 2_900, 100.0, "2,900 calls left, 60 a minute, about 1.1 h at the limits"),
        (100, 3_000, 400.0, "3,000 calls left, 15 a minute, about 3.3 h at this rate"),
        (100, 0, 50.0, "0 calls left, 120 a minute, under a minute"),
    ],
)
def test_it_tells_calls_left_the_rate_and_the_time_at_the_slower_of_rate_and_limits(
    made: int, left: int, seconds: float, told: str
) -> None:
    assert pace(made, left, seconds, 1.0) == told
