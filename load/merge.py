"""What an update may do to a column: the write policies, as pure functions.

`decide` compares three values: what is there now, what we last wrote, what the plan wants. A value
that is neither ours nor wanted is a person's: it stays, and the column is named as kept.

    source_wins   send while what is there is ours
    source_always send, also over what people changed since
    fill_empty    send while what is there is ours, or nothing
    set_once      never sent by an update; fills an empty column of an adopted record
    never_raise   a lower rank always goes, a higher one never does
    merge_set     only our own elements come and go, everybody else's stay

`rank_guard` is the second look, at the body that is about to leave.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, Final, Literal

from load.errors import InvariantBroken
from load.payload import is_empty, target_hash

Verdict = Literal["send", "same", "keep"]
_SET_MEMBER_KEYS: Final = {"emails": "value", "phones": "value"}


@dataclass(frozen=True, slots=True)
class Basis:
    """What we know we wrote: hashes of values that may be replaced; None if never written."""

    hashes: Set[str]
    is_adoption: bool


def decide(
    policy: str,
    column: str,
    *,
    current: Any,
    desired: Any,
    basis: Basis,
    ranks: Mapping[int, int],
    salt: str,
) -> Verdict:
    """Whether this column's desired value is sent, is there already, or gives way to a person's."""
    if target_hash(column, current, salt=salt) == target_hash(column, desired, salt=salt):
        return "same"
    is_ours = target_hash(column, current, salt=salt) in basis.hashes
    if policy == "never_raise":
        return _by_rank(current, desired, ranks, is_ours=is_ours or basis.is_adoption)
    if policy in ("merge_set", "source_always"):
        return "send"
    if basis.is_adoption:
        return "send" if is_empty(current) and not is_empty(desired) else "same"
    if policy == "set_once":
        return "same"
    may_go = is_ours or (policy == "fill_empty" and is_empty(current))
    return "send" if may_go else "keep"


def _by_rank(current: Any, desired: Any, ranks: Mapping[int, int], *, is_ours: bool) -> Verdict:
    if is_empty(current):
        return "send" if is_ours else "keep"
    if is_empty(desired) or desired not in ranks:
        return "keep"
    # an option nobody ranked is treated as the lowest: nothing may be raised above it
    return "send" if ranks[desired] < ranks.get(current, min(ranks.values())) else "keep"


def rank_guard(  # noqa: PLR0917
    entity: str, source_key: str, column: str, current: Any, leaving: Any, ranks: Mapping[int, int]
) -> None:
    """Raises `InvariantBroken` if a body about to leave would raise a never_raise column."""
    if is_empty(current):
        return
    lowest = min(ranks.values(), default=0)
    if is_empty(leaving) or ranks.get(leaving, lowest + 1) > ranks.get(current, lowest):
        raise InvariantBroken(
            f"{entity} {source_key}: {column} would be raised by an update; nothing was sent"
        )


def raises(current: Any, leaving: Any, ranks: Mapping[int, int]) -> bool:
    """Whether `leaving` would stand above `current`. An unranked option counts as the lowest."""
    lowest, highest = min(ranks.values(), default=0), max(ranks.values(), default=0)
    present = lowest if is_empty(current) else ranks.get(current, lowest)
    if is_empty(leaving):
        return not is_empty(current) and (present < highest or not ranks)
    return ranks.get(leaving, highest + 1) > present


def element_hashes(column: str, value: Any, *, salt: str) -> list[str]:
    """Keyed hashes of the elements of a list, by what makes an element itself."""
    return [_element_hash(column, element, salt) for element in value or []]


def merged(
    column: str, current: Any, desired: Any, ours: Set[str], *, salt: str
) -> tuple[list[Any], list[str]]:
    """What is there, less ours that are gone, plus ours that are new; and which are ours now."""
    wanted = {_element_hash(column, element, salt): element for element in desired or []}
    present = {_element_hash(column, element, salt): element for element in current or []}
    kept = {key: element for key, element in present.items() if key not in ours or key in wanted}
    added = {key: element for key, element in wanted.items() if key not in present}
    own = [key for key in wanted if key in ours or key in added]
    return one_primary([*kept.values()], [*added.values()]), own


def one_primary(kept: list[Any], added: list[Any]) -> list[Any]:
    """Both lists, with at most one primary element; one that is there already stays it."""
    taken = any(isinstance(element, Mapping) and element.get("primary") for element in kept)
    tail = [
        {**element, "primary": False} if taken and isinstance(element, Mapping) else element
        for element in added
    ]
    return kept + tail


def _element_hash(column: str, element: Any, salt: str) -> str:
    member = _SET_MEMBER_KEYS.get(column)
    if member is not None and isinstance(element, Mapping):
        element = str(element.get(member, "")).strip().casefold()
    return target_hash(f"{column}[]", element, salt=salt)
