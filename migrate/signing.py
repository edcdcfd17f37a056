"""The sign-off: somebody looked at a sample in Pipedrive and confirmed the map and its scope.

A plan is frozen with two hashes: of the mapping (the models up to the marts, the macros and the
mapping's seeds) and of the scope (accounts, order strategy, seeds/decisions/policies.csv). Beyond
a sample an `apply` needs a row with both in seeds/decisions/sign_offs.csv. New data needs no new
sign-off, a changed mapping does.
"""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from load.preflight import Gate
from migrate.addresses import is_loopback
from migrate.places import core_dir, decision_seed, project_dir

if TYPE_CHECKING:
    from load.plan import FrozenPlan
    from migrate.settings import Settings

SIGNED: Final = "sign_off"
SIGN_OFFS: Final = Path("seeds/decisions/sign_offs.csv")
SAMPLE_FIRST: Final = 25
_MAPPING: Final = (
    "macros/**/*.sql",
    "models/staging/**/*.sql",
    "models/intermediate/**/*.sql",
    "models/marts/**/*.sql",
    "seeds/mapping/*.csv",
)
_LENGTH: Final = 16


def hashes(settings: Settings, company_id: int) -> dict[str, str]:
    """`mapping_hash` and `scope_hash` as they are now."""
    mapping = hashlib.sha256()
    # a customer's repository lays its own models and seeds over the core's
    for root in dict.fromkeys((core_dir(), project_dir())):
        for file in (one for pattern in _MAPPING for one in sorted(root.glob(pattern))):
            mapping.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    scope = [
        settings.alpine_iq_uid,
        company_id,
        settings.order_strategy,
        decision_seed("policies.csv").read_text(encoding="utf-8"),
    ]
    text = json.dumps(scope, default=str)
    return {
        "signed_mapping": mapping.hexdigest()[:_LENGTH],
        "signed_scope": hashlib.sha256(text.encode()).hexdigest()[:_LENGTH],
    }


def sign_off(settings: Settings, plan: FrozenPlan, *, root: Path | None = None) -> Gate:
    """Is the plan's mapping and scope signed? On the sandbox nobody's records are touched."""
    if is_loopback(settings.pipedrive_base_url):
        return Gate(SIGNED, "waived", "the sandbox's records are nobody's")
    wanted = (plan.manifest.get("signed_mapping"), plan.manifest.get("signed_scope"))
    if None in wanted:
        return Gate(SIGNED, "red", "the plan is older than this check: plan again")
    for row in _rows((root or project_dir()) / SIGN_OFFS):
        who, when = row["signed_by"].strip(), row["signed_at"].strip()
        if (row["mapping_hash"], row["scope_hash"]) == wanted and who and when:
            return Gate(SIGNED, "green", f"{who}, {when}")
    return Gate(
        SIGNED,
        "red",
        f"nobody signed mapping {wanted[0]} with scope {wanted[1]}: send a sample (aiq2pd apply"
        f" --sample {SAMPLE_FIRST}), look at it in Pipedrive, then commit the line"
        f" {wanted[0]},{wanted[1]},NAME,DATE to {SIGN_OFFS}",
    )


def _rows(file: Path) -> list[dict[str, str]]:
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as text:
        return [{name: value or "" for name, value in row.items()} for row in csv.DictReader(text)]
