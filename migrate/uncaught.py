"""What no command catches (a thread, a destructor, a task that nobody awaits) is told by its kind
and place alone: Python's own words would quote texts that may hold personal data.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable


def quieten() -> None:
    """Replaces Python's own reports of such failures in this process."""
    threading.excepthook = lambda found: _tell(found.exc_value)
    sys.unraisablehook = lambda found: _tell(found.exc_value)
    logging.getLogger("asyncio").addFilter(_first_line)


def told(work: Callable[[], None]) -> None:
    """Runs the whole command line; what escapes it is explained like everything else."""
    from migrate.failures import explain

    try:
        work()
    except Exception as error:  # noqa: BLE001 (explained, never swallowed)
        sys.stderr.write(f"aiq2pd: {explain(error).message}\n")
        raise SystemExit(explain(error).exit_code) from None


def _tell(error: BaseException | None) -> None:
    from migrate.failures import explain

    if error is not None:
        sys.stderr.write(f"aiq2pd: {explain(error).message}\n")


def _first_line(record: logging.LogRecord) -> bool:
    """The rest shows the exception and its text."""
    record.msg, record.args = record.getMessage().splitlines()[0], None
    record.exc_info = None
    return True
