"""Errors, grouped by what the caller does about them.

    MigrationError
    ├── ConfigError        the operator must change something; the run does not start      exit 2
    │   └── AccessRefused  401, 402, a 403 that is no JSON, a redirect: every call stops
    ├── RecordRejected     this record can never load as it is; it is quarantined          exit 3
    │   └── Rejected       the destination said so: 400 403 404 405 410 413 415 422
    ├── TargetChanged      the destination is not what the plan saw; plan again            exit 4
    ├── InvariantBroken    a promise of ours failed; everything stops                      exit 70
    └── RetryLater         limits, timeouts, 5xx, another run: go on later                 exit 75
        ├── NeverSent      no byte left: the call may be made again
        ├── Ambiguous      may have been applied: settled by looking, never by sending again
        ├── Paused         the destination asks for a longer rest than a call may wait
        └── BudgetExhausted  today's tokens are used up

Messages name the record, the column, what was found and what to do; never a personal value.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar


class MigrationError(Exception):
    """Any failure that this project foresees."""

    exit_code: ClassVar[int] = 1


class ConfigError(MigrationError):
    """The operator must change something first."""

    exit_code = 2


class AccessRefused(ConfigError):
    """The token, the account or the gateway refuses every call."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class RecordRejected(MigrationError):
    """This record can never load as it is."""

    exit_code = 3


class Rejected(RecordRejected):
    """The destination refused one call for what it holds.

    `status` is the HTTP status, `code` the destination's own error code, `field` the body key or
    field code it names, `message_redacted` a text without values.
    """

    def __init__(
        self,
        message_redacted: str,
        *,
        status: int,
        code: str | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(message_redacted)
        self.status = status
        self.code = code
        self.field = field
        self.message_redacted = message_redacted


class TargetChanged(MigrationError):
    """The destination is not what the plan saw."""

    exit_code = 4


class InvariantBroken(MigrationError):
    """A promise of ours failed."""

    exit_code = 70


class RetryLater(MigrationError):
    """Nothing is wrong that time does not mend; run again."""

    exit_code = 75


class NeverSent(RetryLater):
    """The call did not leave this machine."""


class Ambiguous(RetryLater):
    """Sent, and nobody knows whether it was applied."""


class Paused(RetryLater):
    """Refused for too many calls again and again, or asked to wait longer than a call may."""


class BudgetExhausted(RetryLater):
    """The day's share of tokens is used up until `resets_at` (UTC)."""

    def __init__(self, message: str, *, resets_at: datetime | None = None) -> None:
        super().__init__(message)
        self.resets_at = resets_at


def is_certificate_refused(error: BaseException | None) -> bool:
    """Whether a failed connection failed because the server's certificate did not hold."""
    import ssl  # noqa: PLC0415 - `status` answers without it

    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
