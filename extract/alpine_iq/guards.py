"""Stops before landing what looks like a broken source rather than a changed one.

A list that lost more than a twentieth of its contacts, or whose points are all zero where there
were some, is a wrong account, an outage or a switched-off program more often than the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

from extract.alpine_iq.settings import SHRINK_TOLERANCE
from load.errors import ConfigError


class ListNotCredibleError(ConfigError):
    """The list that was read must not be landed; the next run reads it anew."""


@dataclass(frozen=True, slots=True)
class Census:
    """What two runs are compared by."""

    uid: str
    contacts: int
    with_points: int


def compare(now: Census, before: Census | None) -> None:
    """Raise `ListNotCredibleError` unless `now` is a credible successor of `before`."""
    if before is None:
        return
    if now.uid != before.uid:
        raise ListNotCredibleError(
            f"this warehouse holds the account {before.uid}, ALPINE_IQ_UID says {now.uid}; "
            "use another AIQ2PD_DATA_DIR for another account"
        )
    if now.contacts < before.contacts * (1 - SHRINK_TOLERANCE):
        raise ListNotCredibleError(
            f"the list shows {now.contacts} contacts, the last run saw {before.contacts}; nothing "
            "was landed. If that is right, run again and accept the change"
        )
    if before.with_points and not now.with_points:
        raise ListNotCredibleError(
            f"no contact has points, {before.with_points} had some at the last run; nothing was "
            "landed. Is the program switched off? If that is right, run again and accept the change"
        )
