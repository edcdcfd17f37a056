"""Every behaviour of the sandbox that Pipedrive does not document, as a named switch.

Defaults are the most likely behaviour. Times are seconds. `Switches.changed` raises
`ValueError` on an unknown name or a value of another type.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Plan:
    """What a subscription allows; caps of None mean unlimited."""

    multiplier: int
    token_burst: int
    oauth_burst: int
    deals_per_seat: int | None
    custom_fields: int | None
    visibilities: frozenset[int]


_SIMPLE: Final = frozenset({1, 3})
_GROUPS: Final = frozenset({1, 3, 5, 7})
PLANS: Final = {
    "lite": Plan(1, 20, 80, 2_500, 30, _SIMPLE),
    "growth": Plan(2, 40, 160, 5_000, 100, _SIMPLE),
    "premium": Plan(5, 100, 400, 15_000, 300, _GROUPS),
    "ultimate": Plan(7, 120, 480, 20_000, 500, _GROUPS),
}
LARGEST_DEAL_CAP: Final = 300_000
TOKENS_PER_SEAT: Final = 30_000


@dataclass(slots=True)
class Switches:
    """The settings of one simulated account; see docs/sandbox-pipedrive.md for each."""

    # limits
    daily_budget: int | None = None
    budget_reset_hour: float = 0.0
    burst_limit: int | None = None
    search_burst_limit: int = 10
    enforce_bursts: bool = True
    charge_rejected: bool = True
    rejection_429: str = "json"
    retry_after: bool = False
    daily_headers_dropped: float = 0.0
    block_after: int = 50
    block_within: float = 10.0
    block_seconds: float = 300.0
    deal_cap: int | None = None
    deal_cap_counts: str = "not_archived"
    deal_cap_answer: str = "refuse"
    archived_create_at_cap: str = "refuse"
    custom_field_cap: int | None = None
    # reading and writing
    unknown_query: str = "refuse"
    page_above_maximum: str = "refuse"
    empty_keys: str = "null"
    long_varchar: str = "refuse"
    deal_add_time: str = "refuse"
    query_token: bool = False
    trim_text: bool = False
    list_lag: float = 0.0
    search_lag: float = 3.0
    deleted_person_search_seconds: float = 600.0
    purge_days: float = 30.0
    cursor_fault: str = "none"
    hidden: dict[str, list[int]] = field(default_factory=dict)
    # what the contract leaves open
    archived_edit: str = "refuse"
    archived_unarchive: str = "refuse"
    archived_delete: str = "allow"
    negative_line_price: str = "allow"
    bulk_bad_line: str = "refuse_all"
    value_with_lines: str = "accept"
    lines_per_deal: int | None = None
    notes_per_deal: int | None = None
    labels_per_deal: int = 100
    entries_per_person: int | None = None
    validate_emails: bool = False
    duplicate_options: str = "refuse"
    label_options: str = "allow"
    new_pipeline_stages: bool = False
    delete_deleted: str = "refuse"
    note_cleaning: str = "clean"
    note_touches_parent: bool = False
    file_bytes: int = 50_000_000
    # the account
    contact_sync: bool = False
    campaigns: bool = False
    account_open: bool = True
    administrator: bool = True
    company_id: int | None = None
    clock_skew: float = 0.0
    automation: dict[str, Any] = field(default_factory=dict)
    record_exchanges: bool = False

    def changed(self, changes: dict[str, Any]) -> Switches:
        """A copy with these values."""
        known = {entry.name: entry for entry in dataclasses.fields(self)}
        for name, value in changes.items():
            if name not in known:
                msg = f"switch {name!r} is unknown"
                raise ValueError(msg)
            _check(name, str(known[name].type), value)
        return dataclasses.replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


_CHOICES: Final[dict[str, frozenset[str]]] = {
    "rejection_429": frozenset({"json", "empty", "html"}),
    "deal_cap_counts": frozenset({"not_archived", "open"}),
    "deal_cap_answer": frozenset({"refuse", "waitlist"}),
    "unknown_query": frozenset({"refuse", "ignore"}),
    "page_above_maximum": frozenset({"refuse", "clamp"}),
    "empty_keys": frozenset({"null", "absent"}),
    "long_varchar": frozenset({"refuse", "cut"}),
    "deal_add_time": frozenset({"refuse", "ignore"}),
    "cursor_fault": frozenset({"none", "loop", "expire"}),
    "bulk_bad_line": frozenset({"refuse_all", "keep_good"}),
    "value_with_lines": frozenset({"accept", "refuse"}),
    "note_cleaning": frozenset({"clean", "strict", "none"}),
    **{
        name: frozenset({"allow", "refuse"})
        for name in (
            "archived_create_at_cap",
            "archived_edit",
            "archived_unarchive",
            "archived_delete",
            "negative_line_price",
            "duplicate_options",
            "label_options",
            "delete_deleted",
        )
    },
}
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "int | None": (int, type(None)),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "str": (str,),
}


def _check(name: str, declared: str, value: Any) -> None:
    allowed = _TYPES.get(declared, (dict,))
    if not isinstance(value, allowed) or (isinstance(value, bool) and declared != "bool"):
        msg = f"switch {name!r} wants {declared}"
        raise ValueError(msg)
    if name in _CHOICES and value not in _CHOICES[name]:
        msg = f"switch {name!r} is one of {', '.join(sorted(_CHOICES[name]))}"
        raise ValueError(msg)
