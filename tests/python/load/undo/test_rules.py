"""The restore decision: what is put back, and that nothing is ever raised by it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from load.errors import InvariantBroken
from load.merge import element_hashes, rank_guard
from load.payload import target_hash
from load.undo.rules import Column, put_back, raises

SALT = "salt"
RANKS = {11: 0, 12: 1, 13: 2}
options = st.one_of(st.none(), st.sampled_from([*RANKS, 99]))
words = st.lists(st.sampled_from("abcdef"), unique=True, max_size=4)


def ours(name, *values):
    return frozenset(target_hash(name, value, salt=SALT) for value in values)


@given(options, options, options)
def test_no_restore_raises_a_ranked_column(current, before, written):
    column = Column("opt_in__c", before, ours("opt_in__c", written), ranks=RANKS)
    verdict, value = put_back(column, current, salt=SALT)
    if verdict != "restore":
        return
    assert not raises(current, value, RANKS)
    if value is not None:
        rank_guard("person", "k", "opt_in__c", current, value, RANKS)
    else:
        assert current == 13, "only the highest rank is ever cleared"


@given(st.text(max_size=3), st.text(max_size=3), st.text(max_size=3))
def test_a_value_that_is_not_ours_stays_and_ours_goes_back(current, before, written):
    column = Column("name", before, ours("name", written))
    verdict, value = put_back(column, current, salt=SALT)
    now = target_hash("name", current, salt=SALT)
    if now == target_hash("name", before, salt=SALT):
        assert verdict == "same"
    elif now in column.ours:
        # the API can't empty a native text
        assert (verdict, value) == ("restore" if before else "stuck", before)
    else:
        assert verdict == "spare"


@given(words, words, words)
def test_of_a_list_that_people_changed_only_our_elements_leave(before, added, by_people):
    own = frozenset(element_hashes("groups__c", sorted(set(added) - set(before)), salt=SALT))
    current = sorted({*before, *added, *by_people})
    column = Column("groups__c", before, ours("groups__c", ["never"]), own_elements=own)
    verdict, value = put_back(column, current, salt=SALT)
    left = set(value if verdict == "restore" else current)
    assert left >= set(before), "what was there before stays"
    assert left >= set(by_people) - set(added), "what people added stays"
    assert not left & (set(added) - set(before)) or verdict == "same"


@given(words, words, words, st.booleans())
def test_of_a_list_that_looks_like_ours_what_people_added_between_two_updates_stays(
    before, added, by_people, is_adopted
):
    own = frozenset(element_hashes("groups__c", sorted(set(added) - set(before)), salt=SALT))
    current = sorted({*before, *added, *by_people})
    column = Column(
        "groups__c",
        before,
        ours("groups__c", current),
        own_elements=own,
        is_adopted=is_adopted,
    )
    verdict, value = put_back(column, current, salt=SALT)
    left = set(value if verdict == "restore" else current)
    assert left == set(before) | (set(by_people) - set(added))


def test_an_element_that_people_took_out_comes_back_only_where_we_may_have_taken_it_out():
    own = frozenset(element_hashes("groups__c", ["ours"], salt=SALT))
    for is_adopted, left in ((True, ["theirs"]), (False, ["theirs", "old"])):
        column = Column(
            "groups__c",
            ["theirs", "old"],
            ours("groups__c", ["theirs", "ours"]),
            own_elements=own,
            is_adopted=is_adopted,
        )
        assert put_back(column, ["theirs", "ours"], salt=SALT) == ("restore", left)


@given(options, options)
def test_putting_back_twice_changes_nothing_the_second_time(before, written):
    column = Column("c__c", before, ours("c__c", written))
    verdict, value = put_back(column, written, salt=SALT)
    if verdict == "restore":
        assert put_back(column, value, salt=SALT)[0] == "same"


def test_the_guard_of_updates_stops_what_the_rule_would_call_a_rise():
    for current in RANKS:
        for leaving in RANKS:
            try:
                rank_guard("person", "k", "opt_in__c", current, leaving, RANKS)
                stopped = False
            except InvariantBroken:
                stopped = True
            if current != leaving:
                assert stopped == raises(current, leaving, RANKS)
