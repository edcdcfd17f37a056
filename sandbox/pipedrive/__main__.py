"""`python -m sandbox.pipedrive --state FILE`: serves one simulated company on 127.0.0.1."""

from __future__ import annotations

import argparse
from pathlib import Path

from sandbox.pipedrive.app import PipedriveSandbox
from sandbox.pipedrive.facts import switches_of
from sandbox.pipedrive.switches import PLANS
from sandbox.server import serve


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.pipedrive",
        description="A local Pipedrive over HTTP; prints one JSON line when it is ready.",
        epilog="example: python -m sandbox.pipedrive --state data/sandbox/pipedrive.sqlite",
    )
    parser.add_argument("--state", type=Path, required=True, help="SQLite file of the account")
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free port")
    parser.add_argument("--plan", choices=sorted(PLANS), default="growth")
    parser.add_argument("--seats", type=int, default=5)
    parser.add_argument("--window-scale", type=float, default=1.0, help="speeds up rate windows")
    parser.add_argument("--seed", type=int, default=1, help="decides ids, codes and the token")
    parser.add_argument("--facts", type=Path, help="CSV of probed facts: switches set at the start")
    return parser.parse_args()


def main() -> None:
    arguments = _arguments()
    arguments.state.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    sandbox = PipedriveSandbox(
        arguments.state,
        plan=arguments.plan,
        seats=arguments.seats,
        seed=arguments.seed,
        window_scale=arguments.window_scale,
    )
    if arguments.facts is not None:
        sandbox.account.change_switches(switches_of(arguments.facts))
    serve(sandbox, arguments.port, sandbox.about())


if __name__ == "__main__":
    main()
