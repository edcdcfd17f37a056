"""Before anything is written: is this the company, and the plan, that we think it is?

Raises `ConfigError` if the token belongs to another company than the settings, the plan or the
ledger say, or if the ledger belongs to another source account than the plan.
"""

from __future__ import annotations

from load.errors import ConfigError
from load.run import Run, Sender


async def company_of(client: Sender) -> tuple[int, str]:
    """Id and domain of the company whose token the client has."""
    answer = await client.call("GET", "/api/v1/users/me", cost=2, entity="account")
    return int(answer.data["company_id"]), str(answer.data["company_domain"])


async def check_account(run: Run) -> None:
    """Asks who the token is, compares, binds the ledger, and leaves its salt in the run."""
    company_id, domain = await company_of(run.client)
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
