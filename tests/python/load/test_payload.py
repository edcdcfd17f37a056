"""From mart columns to API bodies, and what counts as the same value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.errors import InvariantBroken, RecordRejected
from load.ledger.catalog import FieldCode
from load.merge import Basis, decide, merged, rank_guard
from load.payload import (
    Catalog,
    Translation,
    body,
    canonical,
    create_body,
    current_value,
    target_hash,
)

SALT = "salt"
TYPES = {"points__c": "double", "tier__c": "enum", "groups__c": "set", "note__c": "text"}
CATALOG = Catalog(
    {
        ("person", name): FieldCode("person", name, f"{number:040x}", name, kind, "active")
        for number, (name, kind) in enumerate(TYPES.items(), 1)
    },
    {
        ("person", "tier__c"): {"Gold": 11, "Silver": 12},
        ("person", "groups__c"): {"North": 21, "South": 22},
        ("person", "label_names"): {"Regular": 31},
    },
)
TRANSLATION = Translation(CATALOG, {"aiq:x:1": 7})
texts = st.text(max_size=20)
payloads = st.fixed_dictionaries(
    {
        "name": texts | st.none(),
        "org__source_key": st.sampled_from(["aiq:x:1", None]),
        "label_names": st.sampled_from([[], ["Regular"], None]),
        "points__c": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "tier__c": st.sampled_from(["Gold", "Silver", None]),
        "groups__c": st.sampled_from([["North", "South"], ["North"], [], None]),
        "note__c": texts | st.none(),
    }
)


@given(payloads)
def test_a_create_body_has_no_null_no_column_of_ours_and_only_known_codes(payload):
    made = create_body("person", "k", payload, TRANSLATION)
    custom = made.pop("custom_fields", {})
    assert None not in [*made.values(), *custom.values()]
    assert [] not in [*made.values(), *custom.values()]
    assert not any(name.endswith(("__c", "__source_key")) for name in made)
    assert set(custom) <= {f"{number:040x}" for number in range(1, 5)}
    assert made.get("org_id") == (7 if payload["org__source_key"] else None)


@given(payloads)
def test_an_update_body_sets_exactly_the_named_columns_and_clears_with_null(payload):
    columns = ["name", "tier__c", "groups__c"]
    made = body("person", "k", payload, columns, TRANSLATION)
    assert set(made) == {"name", "custom_fields"}
    assert len(made["custom_fields"]) == 2
    for column in columns:
        if not payload[column]:
            assert current_value("person", column, made, CATALOG) is None


@given(payloads)
def test_the_canonical_form_of_a_canonical_form_is_itself(payload):
    made = create_body("person", "k", payload, TRANSLATION)
    for column in payload:
        value = current_value("person", column, made, CATALOG)
        assert canonical(column, canonical(column, value)) == canonical(column, value)


def test_a_label_without_an_option_is_a_rejected_record_that_does_not_show_the_label():
    with pytest.raises(RecordRejected, match="tier__c") as caught:
        create_body("person", "aiq:x:9", {"tier__c": "Onyx"}, TRANSLATION)
    assert "Onyx" not in str(caught.value)
    assert "aiq:x:9" in str(caught.value)


@pytest.mark.parametrize(
    ("column", "sent", "read"),
    [
        ("emails", [{"value": "a@b.c"}], [{"value": "a@b.c", "primary": True, "label": "work"}]),
        ("prices", [{"price": 3, "currency": "USD"}],
         [{"product_id": 1, "price": 3.0, "currency": "USD", "cost": 0, "notes": ""}]),
        ("address", {"value": "x", "country": "US"},
         {"value": "x", "country": "US", "route": None, "formatted_address": "X"}),
        ("groups__c", [2, 1], [1, 2]),
        ("name", " Ann ", "Ann"),
        ("points__c", 3, 3.0),
        ("note__c", "", None),
    ],
)  # fmt: skip
def test_what_the_api_gives_back_for_a_value_is_canonically_that_value(column, sent, read):
    assert canonical(column, sent) == canonical(column, read)


RANKS = {1: 0, 2: 1, 3: 2}


@given(st.sampled_from([1, 2, 3, 9, None]), st.sampled_from([1, 2, 3, None]), st.booleans())
def test_never_raise_never_raises_whoever_wrote_what_is_there(current, desired, is_adoption):
    basis = Basis({target_hash("c", current, salt=SALT)}, is_adoption)
    verdict = decide(
        "never_raise", "c", current=current, desired=desired, basis=basis, ranks=RANKS, salt=SALT
    )
    if verdict == "send" and current is not None:
        assert RANKS[desired] < RANKS.get(current, 3)
        rank_guard("person", "k", "c", current, desired, RANKS)


@pytest.mark.parametrize(("current", "leaving"), [(1, 2), (1, 3), (2, 3), (1, None), (9, 3)])
def test_the_guard_stops_a_body_that_would_raise(current, leaving):
    with pytest.raises(InvariantBroken):
        rank_guard("person", "k", "c", current, leaving, RANKS)


@pytest.mark.parametrize("policy", ["source_wins", "fill_empty"])
def test_a_value_that_is_neither_ours_nor_wanted_is_a_persons_and_stays(policy):
    basis = Basis({target_hash("name", "ours", salt=SALT)}, is_adoption=False)
    verdict = decide(
        policy, "name", current="theirs", desired="new", basis=basis, ranks={}, salt=SALT
    )
    assert verdict == "keep"


elements = st.lists(st.integers(0, 6), unique=True, max_size=5)


@given(elements, elements, elements)
def test_merging_a_list_touches_only_our_own_elements(theirs, ours_before, wanted):
    current = list(dict.fromkeys([*theirs, *ours_before]))
    own = {target_hash("g[]", one, salt=SALT) for one in ours_before if one not in theirs}
    result, _ = merged("g", current, wanted, own, salt=SALT)
    assert set(result) == set(theirs) | set(wanted)
    assert len(result) == len(set(result))
