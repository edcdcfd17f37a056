"""Progress is readable in a log and harmless on a terminal."""

from __future__ import annotations

import io

from rich.console import Console
from rich.progress import Progress

from load.progress import Silent
from migrate.progress import PlainLines, RichBars, shown_on


def test_a_log_gets_a_line_at_start_and_end_and_every_ten_seconds_between():
    now = [0.0]
    out = io.StringIO()
    lines = PlainLines(out, clock=lambda: now[0])
    lines.start("persons", 100)
    for _ in range(50):
        now[0] += 0.5
        lines.advance("persons")
    lines.finish("persons")
    assert out.getvalue().splitlines() == [
        "persons: 100 to do",
        "persons: 20 of 100, about 40 s left",
        "persons: 40 of 100, about 30 s left",
        "persons: 50 of 100, 25.0 s",
    ]


def test_bars_take_a_task_that_comes_twice_and_one_without_a_total():
    with Progress(console=Console(file=io.StringIO())) as drawn:
        bars = RichBars(drawn)
        for _ in range(2):
            bars.start("dbt", None)
            bars.start("dbt", 3)
            bars.advance("dbt", 3, "mart_persons")
            bars.finish("dbt")
        bars.advance("nobody started this")
        bars.finish("nor this")
    assert [task.completed for task in drawn.tasks] == [3, 3]


def test_a_pipe_gets_lines_and_json_gets_silence():
    with shown_on(io.StringIO()) as progress:
        assert isinstance(progress, PlainLines)
    with shown_on(io.StringIO(), quiet=True) as progress:
        assert isinstance(progress, Silent)
        progress.start("x", 1)
        progress.advance("x")
        progress.finish("x")
