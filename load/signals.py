"""SIGINT and SIGTERM: the calls in flight finish, their outcomes are kept, then the run stops.

A second signal ends the process at once, which is safe too: that is what the ledger is for.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from load.errors import RetryLater
from load.run import Run

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signals(run: Run) -> Iterator[None]:
    """Stops the run on a signal while the block lasts. Does nothing outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        run.stop(RetryLater(f"interrupted by {number.name}"))
        for one in _SIGNALS:
            loop.remove_signal_handler(one)

    for one in _SIGNALS:
        loop.add_signal_handler(one, stop, one)
    try:
        yield
    finally:
        for one in _SIGNALS:
            loop.remove_signal_handler(one)
