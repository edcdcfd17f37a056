"""The pace of calls and the day's tokens, by properties and a clock that does not wait."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from load.budget import DailyBudget, TokensInMemory, daily_tokens
from load.errors import BudgetExhausted, ConfigError, Paused
from load.limits import CEILINGS, LONGEST_REST, REFUSALS_IN_A_ROW, Limiter, Pace
from load.settings import PipedriveAccount

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
REMAINING = "x-daily-ratelimit-token-remaining"
LIMIT = "x-daily-ratelimit-token-limit"


@dataclass
class FakeClock:
    """Waiting moves it; each waiter wakes a little late, as in a real loop."""

    at: datetime = NOON
    seconds: float = 1000.0
    late: float = 0.0
    waits: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.advance(seconds + self.late)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        self.seconds += seconds
        self.at += timedelta(seconds=seconds)


def account(plan="growth", seats=1, share=0.8, **more) -> PipedriveAccount:
    return PipedriveAccount(
        base_url="http://127.0.0.1:1", api_token="t", plan=plan, seats=seats, budget_share=share,
        **more,
    )  # fmt: skip


def most_in_a_window(times: list[float], window: float) -> int:
    """The largest number of calls in any half-open window of that length."""
    first, most = 0, 0
    for last, moment in enumerate(times):
        while times[first] <= moment - window:
            first += 1
        most = max(most, last - first + 1)
    return most


def settle(limiter: Limiter, permit, *, headers=None, tokens=5):
    limiter.settle(
        permit, calls=1, tokens=tokens, entity="person", endpoint="POST /x", headers=headers or {}
    )


# ---------------------------------------------------------------- pace


@settings(max_examples=30, deadline=None)
@given(
    ceiling=st.sampled_from([*CEILINGS.values(), 10]),
    scale=st.sampled_from([1.0, 7.0, 50.0]),
    pauses=st.lists(st.floats(0, 0.5), min_size=50, max_size=400),
)
def test_no_window_holds_more_calls_than_the_ceiling(ceiling, scale, pauses):
    pace, now, times = Pace(ceiling, scale=scale), 0.0, []
    for pause in pauses:
        if pause > 0.3:
            now += pause / scale
        now += max(0.0, pace.ready_in(now))
        pace.take(now)
        times.append(now)
    assert most_in_a_window(times, 2.0 / scale) <= ceiling


@pytest.mark.parametrize("ceiling", CEILINGS.values())
@pytest.mark.parametrize("late", [0.0, 0.002, 0.01])
def test_the_pace_holds_at_least_95_percent_of_the_ceiling_even_if_wakers_are_late(ceiling, late):
    pace, now, calls = Pace(ceiling), 0.0, 0
    while now < 120.0:
        wait = pace.ready_in(now)
        if wait > 0:
            now += wait + late
        pace.take(now)
        calls += 60.0 < now <= 120.0
    assert calls >= 0.95 * ceiling * 30


@pytest.mark.parametrize("ceiling", CEILINGS.values())
def test_stalls_of_a_seventh_of_a_second_are_made_up_for_and_fill_no_window(ceiling):
    pace, now, times, chance = Pace(ceiling), 0.0, [], random.Random(1)
    stalls_at = 1.0
    while now < 60.0:
        if now >= stalls_at:
            now, stalls_at = now + 0.15, now + 1.2
        now += max(0.0, pace.ready_in(now))
        pace.take(now)
        times.append(now)
    assert sum(30.0 < one <= 60.0 for one in times) >= 0.95 * ceiling * 15
    assert most_in_a_window(times, 2.0) <= ceiling
    arrived = sorted(one + chance.uniform(0.0, 0.05) for one in times)
    assert most_in_a_window(arrived, 2.0) <= ceiling


@settings(max_examples=30, deadline=None)
@given(sent_before=st.floats(0.0, 2.0), ceiling=st.sampled_from([*CEILINGS.values()]))
def test_a_process_that_starts_after_another_stays_below_the_ceiling(sent_before, ceiling):
    times = []
    for started in (0.0, 3.0 + sent_before):
        pace, now = Pace(ceiling), started
        for _ in range(ceiling):
            now += max(0.0, pace.ready_in(now))
            if started == 0.0 and now > 3.0 + sent_before:
                break
            pace.take(now)
            times.append(now)
    assert most_in_a_window(times, 2.0) <= ceiling + 1


def test_several_429s_of_one_window_slow_down_once_and_clean_time_gives_it_back():
    pace = Pace(40)
    full = pace.calls_per_window
    assert full == pytest.approx(38.8)
    for moment in (10.0, 10.3, 11.0):
        pace.slow_down(moment)
    assert pace.calls_per_window == pytest.approx(full * 0.7)
    pace.slow_down(13.0)
    assert pace.calls_per_window == pytest.approx(full * 0.49)
    pace.ready_in(22.9)
    assert pace.calls_per_window == pytest.approx(full * 0.49)
    pace.ready_in(23.1)
    assert full * 0.49 < pace.calls_per_window <= full * 0.49 + 2.0
    pace.ready_in(500.0)
    assert pace.calls_per_window == pytest.approx(full)


def test_the_servers_ceiling_is_believed_over_the_plan():
    pace = Pace(40)
    pace.believe({"x-ratelimit-limit": "20", "x-ratelimit-remaining": "15"}, 0.0)
    assert pace.calls_per_window == pytest.approx(19.4)


def test_a_window_that_others_have_filled_is_waited_for():
    pace = Pace(40)
    pace.take(0.0)
    headers = {"x-ratelimit-limit": "40", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}
    pace.believe(headers, 0.1)
    assert pace.ready_in(0.1) == pytest.approx(1.0)


def test_a_window_that_only_we_have_filled_is_not():
    pace, now = Pace(20), 0.0
    for _ in range(40):
        now += max(0.0, pace.ready_in(now))
        pace.take(now)
    headers = {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"}
    pace.believe(headers, now)
    assert pace.ready_in(now) < 0.2


def test_headers_of_any_text_change_nothing():
    pace = Pace(40)
    for text in ("", "-1", "a", "1e9", "0x10", "٣"):
        pace.believe({"x-ratelimit-limit": text, "x-ratelimit-remaining": text}, 0.0)
    assert pace.ceiling == 40


# ---------------------------------------------------------------- the limiter


def test_nothing_leaves_during_the_rest_after_a_429():
    async def run() -> tuple[float, float]:
        clock = FakeClock()
        limiter = Limiter(account(), TokensInMemory(), clock, jitter=random.Random(1))
        permit = await limiter.admit(5)
        settle(limiter, permit, tokens=0)
        limiter.too_many({"retry-after": "7"}, cost=5)
        began = clock.seconds
        await asyncio.gather(*(limiter.admit(5) for _ in range(8)))
        return began, clock.seconds

    began, ended = asyncio.run(run())
    assert ended - began >= 7.0


def test_a_rest_is_at_least_one_window_when_the_server_says_nothing():
    clock = FakeClock()
    limiter = Limiter(account(), TokensInMemory(), clock, jitter=random.Random(1))
    limiter.too_many({}, cost=5)
    assert 2.0 <= limiter.pace.ready_in(clock.monotonic()) <= 4.0


def test_search_has_a_window_of_its_own_and_counts_in_the_general_one():
    async def run() -> list[float]:
        clock = FakeClock()
        limiter = Limiter(account("ultimate"), TokensInMemory(), clock)
        times = []
        for _ in range(60):
            await limiter.admit(20, search=True)
            times.append(clock.seconds)
        return times

    assert most_in_a_window(asyncio.run(run()), 2.0) <= 10


def test_refusals_that_never_end_pause_the_run_long_before_the_gateway_blocks():
    limiter = Limiter(account(), TokensInMemory(), FakeClock())
    for _ in range(REFUSALS_IN_A_ROW):
        limiter.too_many({}, cost=5)
    with pytest.raises(Paused):
        limiter.too_many({}, cost=5)
    assert REFUSALS_IN_A_ROW < 50


def test_a_rest_that_no_call_may_wait_for_pauses_the_run():
    limiter = Limiter(account(), TokensInMemory(), FakeClock())
    with pytest.raises(Paused, match="901"):
        limiter.too_many({"retry-after": str(int(LONGEST_REST) + 601)}, cost=5)


def test_a_429_without_tokens_left_is_the_end_of_the_day_and_not_of_the_window():
    clock = FakeClock()
    limiter = Limiter(account(), TokensInMemory(), clock)
    permit = asyncio.run(limiter.admit(5))
    settle(limiter, permit, tokens=0, headers={LIMIT: "60000", REMAINING: "4"})
    with pytest.raises(BudgetExhausted) as caught:
        limiter.too_many({}, cost=5)
    assert caught.value.resets_at == datetime(2026, 11, 24, tzinfo=UTC)


# ---------------------------------------------------------------- the day's tokens


def spend(budget: DailyBudget, cost: int, *, headers=None) -> None:
    permit = budget.reserve(cost)
    budget.settle(
        permit, calls=1, tokens=cost, headers=headers or {}, entity="person", endpoint="POST /x"
    )


@pytest.mark.parametrize(
    ("plan", "seats", "tokens"),
    [("lite", 1, 30_000), ("growth", 5, 300_000), ("premium", 5, 750_000)],
)  # fmt: skip
def test_the_budget_is_plan_times_seats(plan, seats, tokens):
    assert daily_tokens(plan, seats) == tokens


def test_an_unknown_plan_is_a_configuration_error():
    with pytest.raises(ConfigError, match="PIPEDRIVE_PLAN"):
        Limiter(account("gold"), TokensInMemory(), FakeClock())


@settings(max_examples=30, deadline=None)
@given(
    costs=st.lists(st.sampled_from([1, 5, 10, 20, 25, 40]), max_size=60),
    share=st.floats(0.05, 1.0),
    size=st.integers(50, 900),
)
def test_the_share_is_never_exceeded_by_our_own_count(costs, share, size):
    store, clock = TokensInMemory(), FakeClock()
    store.record(day="2026-11-23", run_id="", entity="", endpoint="", calls=1, tokens=60_000 - size)
    budget = DailyBudget(account(share=share), store, clock)
    for cost in costs:
        try:
            spend(budget, cost)
        except BudgetExhausted:
            assert store.spent_today("2026-11-23") + cost > int(60_000 * share)
    assert store.spent_today("2026-11-23") <= max(60_000 - size, int(60_000 * share))


@settings(max_examples=40, deadline=None)
@given(
    foreign=st.lists(st.integers(0, 40), min_size=1, max_size=200),
    heard=st.lists(st.booleans(), min_size=200, max_size=200),
    share=st.floats(0.1, 1.0),
)
def test_what_others_keep_is_never_touched_when_headers_tell_what_they_spend(foreign, heard, share):
    limit, left, store = 1_000, 1_000, TokensInMemory()
    budget = DailyBudget(account(share=share), store, FakeClock())
    unheard = 0
    spend(budget, 0, headers={LIMIT: str(limit), REMAINING: str(left)})
    for theirs, is_heard in zip(foreign, heard, strict=False):
        try:
            permit = budget.reserve(5)
        except BudgetExhausted:
            break
        left -= 5 + theirs
        unheard = 0 if is_heard else unheard + theirs
        budget.settle(
            permit, calls=1, tokens=5, entity="", endpoint="",
            headers={LIMIT: str(limit), REMAINING: str(max(0, left))} if is_heard else {},
        )  # fmt: skip
        assert budget.available() <= left + unheard - (limit - int(limit * share))


def test_an_answer_that_was_overtaken_does_not_give_tokens_back():
    budget = DailyBudget(account(share=1.0), TokensInMemory(), FakeClock())
    spend(budget, 0, headers={LIMIT: "1000", REMAINING: "1000"})
    first, second = budget.reserve(5), budget.reserve(5)
    about = {"calls": 1, "tokens": 5, "entity": "", "endpoint": ""}
    budget.settle(second, headers={REMAINING: "990"}, **about)
    budget.settle(first, headers={REMAINING: "995"}, **about)
    assert budget.available() == 990


def test_calls_in_flight_count_as_spent():
    budget = DailyBudget(account(share=1.0), TokensInMemory(), FakeClock())
    spend(budget, 0, headers={LIMIT: "12", REMAINING: "12"})
    budget.reserve(5)
    budget.reserve(5)
    with pytest.raises(BudgetExhausted):
        budget.reserve(5)


def test_a_remaining_count_that_goes_up_is_a_new_day_wherever_the_server_lives():
    clock = FakeClock()
    budget = DailyBudget(account(share=1.0), TokensInMemory(), clock)
    spend(budget, 5, headers={LIMIT: "60000", REMAINING: "100"})
    first, second = budget.reserve(5), budget.reserve(5)
    about = {"calls": 1, "tokens": 5, "entity": "", "endpoint": ""}
    budget.settle(first, headers={REMAINING: "95"}, **about)
    budget.settle(second, headers={REMAINING: "59995"}, **about)
    assert budget.available() == 59_995


def test_the_count_of_a_day_survives_the_process_and_ends_with_the_day():
    store, clock = TokensInMemory(), FakeClock()
    spend(DailyBudget(account(), store, clock), 47_990)
    again = DailyBudget(account(), store, clock)
    assert again.available() == 10
    with pytest.raises(BudgetExhausted, match="2026-11-24 00:00 UTC"):
        again.reserve(20)
    clock.advance(12 * 3600)
    again.reserve(20)


def test_the_day_begins_when_the_setting_says():
    clock = FakeClock()
    budget = DailyBudget(account(budget_resets_at=time(14, 30)), TokensInMemory(), clock)
    assert budget.resets_at() == datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
    clock.advance(3 * 3600)
    assert budget.resets_at() == datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
