"""`aiq2pd doctor`: what is set, from where, what is missing, and whether both sides answer."""

from __future__ import annotations

from migrate.cli.running import AsJson, Debug, OnSandbox, run_on_account


def doctor(*, sandbox: OnSandbox = False, as_json: AsJson = False, debug: Debug = False) -> None:
    """Show every setting, where it comes from, and whether both services answer.

    Secrets are never printed. Costs one reading call on each side. Exit code 2 when something is
    missing or a service refuses us.

    Example:

        aiq2pd doctor
    """
    from migrate.doctor import examine

    run_on_account("doctor", examine, as_json=as_json, debug=debug, sandbox=sandbox)
