"""The tree of errors: families, exit codes, what a message may say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from load import errors


@pytest.mark.parametrize(
    ("family", "exit_code", "members"),
    [
        (errors.ConfigError, 2, [errors.AccessRefused]),
        (errors.RecordRejected, 3, [errors.Rejected]),
        (errors.TargetChanged, 4, []),
        (errors.InvariantBroken, 70, []),
        (
            errors.RetryLater,
            75,
            [errors.NeverSent, errors.Ambiguous, errors.Paused, errors.BudgetExhausted],
        ),
    ],
)
def test_every_error_belongs_to_a_family_that_says_how_the_run_ends(family, exit_code, members):
    assert family.exit_code == exit_code
    assert issubclass(family, errors.MigrationError)
    for member in members:
        assert issubclass(member, family)
        assert member.exit_code == exit_code


def test_the_docstring_draws_every_class_of_the_module():
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.MigrationError):
            assert name in errors.__doc__


def test_a_refusal_keeps_what_the_ledger_wants_to_know():
    refusal = errors.Rejected("POST /x: Unknown key", status=400, code="E", field="name")
    assert (refusal.status, refusal.code, refusal.field) == (400, "E", "name")
    assert refusal.message_redacted == str(refusal)


def test_an_exhausted_budget_says_when_to_go_on():
    moment = datetime(2026, 11, 24, tzinfo=UTC)
    assert errors.BudgetExhausted("used up", resets_at=moment).resets_at == moment
