"""What a load costs: tokens against the least possible, and against the plan's forecast.

    python -m bench.load DATA_DIR

Reads the ledger and the newest plan of a data folder in which an apply has ended (such as that of
`aiq2pd demo`); sends nothing. The least possible is what the created records and fields cost by
the cost table; everything else (preflight, lists, value checks) is listed beside it.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from load.plan import latest_plan


def main(data_dir: Path) -> None:
    plan = latest_plan(data_dir / "plans")
    if plan is None:
        sys.exit(f"no plan in {data_dir}")
    with closing(sqlite3.connect(f"file:{data_dir / 'ledger.sqlite'}?mode=ro", uri=True)) as db:
        kinds = db.execute(
            "select kind, sum(tokens_spent), sum(calls) from runs where plan_digest = ?"
            " group by kind order by kind",
            (plan.digest,),
        ).fetchall()
        writes = db.execute(
            "select coalesce(sum(tokens), 0) from token_use join runs using (run_id)"
            " where plan_digest = ? and kind = 'apply' and endpoint not like 'GET %'",
            (plan.digest,),
        ).fetchone()[0]
    spent = {kind: tokens for kind, tokens, _calls in kinds}
    for kind, tokens, calls in kinds:
        sys.stdout.write(f"{kind:12} {tokens:>10,} tokens {calls:>10,} calls\n")
    forecast = int(plan.manifest["tokens"])
    if forecast and writes:
        sys.stdout.write(
            f"forecast {forecast:,} tokens, writes {writes:,}: {writes / forecast:.4f}\n"
            f"apply, reads included / forecast: {spent.get('apply', 0) / forecast:.4f}\n"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
