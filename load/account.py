"""Before anything is written: is this the company, and the plan, that we think it is?

Raises `ConfigError` if the token belongs to another company than the settings, the plan or the
ledger say, or if the ledger belongs to another source account than the plan.
"""

from __future__ import annotations

from typing import NamedTuple

from load.errors import ConfigError
from load.run import Run, Sender


class Holder(NamedTuple):
    """Whose the client's token is."""

    company_id: int
    company_domain: str
    user_id: int | None


async def holder_of(client: Sender) -> Holder:
    """The company whose token the client has, and the user in whose name it calls."""
    answer = await client.call("GET", "/api/v1/users/me", cost=2, entity="account")
    found = answer.data
    user_id = found.get("id")
    return Holder(int(found["company_id"]), str(found["company_domain"]), user_id)


async def check_account(run: Run) -> None:
    """Asks who the token is, compares, binds the ledger, and leaves its salt in the run."""
    company_id, domain, run.user_id = await holder_of(run.client)
    for what, expected in (
        ("the configuration", run.settings.company_id),
        ("the plan", run.plan.manifest.get("company_id")),
    ):
        if expected is not None and int(expected) != company_id:
            raise ConfigError(
                f"the token is of company {company_id}, {what} is for company {expected};"
                " use that company's token, or plan again for this one"
            )
    run.ledger.bind(
        company_id=company_id,
        company_domain=domain,
        source_account=str(run.plan.manifest["source_account"]),
    )
    run.salt = str((run.ledger.binding() or {})["ledger_id"])
