"""`python -m sandbox.alpine_iq --state FILE --port 0`: serves an account until it is stopped.

A state file that does not exist yet is filled with a new account first. Prints one line of JSON
when it is ready: port, base_url, uid, api_key. Exit code 2 for arguments that make no sense.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sandbox.alpine_iq.fill import fill
from sandbox.alpine_iq.service import Service
from sandbox.alpine_iq.store import Store
from sandbox.generator import AccountSpec, audiences_of, build_account
from sandbox.server import serve


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.alpine_iq", description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--personas", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--stores", type=int, default=3)
    parser.add_argument("--audiences", type=int, default=None)
    parser.add_argument("--window-scale", type=float, default=None)
    parser.add_argument("--only-generate", action="store_true")
    return parser.parse_args()


def opened(state: Path, spec: AccountSpec) -> Store:
    """The state at `state`; a new account when there is none. An unfinished one is made anew."""
    store = Store(state)
    if not store.is_complete():
        store.close()
        for suffix in ("", "-wal", "-shm"):
            state.with_name(state.name + suffix).unlink(missing_ok=True)
        store = Store(state)
        fill(store, build_account(spec))
    return store


def main() -> None:
    given = _arguments()
    audiences = given.audiences if given.audiences is not None else audiences_of(given.personas)
    spec = AccountSpec(given.personas, given.seed, given.stores, audiences)
    service = Service(opened(given.state, spec))
    if given.window_scale is not None:
        service.keep_switches({"limits.scale": given.window_scale})
    account = service.account
    if given.only_generate:
        service.close()
        return
    serve(service, given.port, {"uid": account["uid"], "api_key": account["api_key"]})


if __name__ == "__main__":
    main()
