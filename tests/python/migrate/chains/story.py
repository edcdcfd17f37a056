"""One sequence told to a chain of deltas, and what it must end in.

The chain ends like one load of the source's last state and people's edits after it, but for the
rules for which the way matters. Each of those has an oracle here:

    kept        who or what the source no longer has stays as it was; persons are flagged
    set_once    is what it was when the person came
    fill_empty  is filled where it is empty, also where somebody emptied it
    consent     never rises again: the lowest of all that was wanted, typed or flagged
    merged      who was merged away is flagged and keeps the record; the survivor has their orders,
                the lower consent of the two, and the key that the ledger knew first
    decided     a field that was decided for the source follows it from then on
    lasting     a lost reason stays when the order is no longer lost: the API can't empty it
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .chain import Chain
from .landing import Landed, Marts, land, marts_of
from .source import CONSENTS, RANKS, Source, contact_key
from .warehouse import Record, Records, Template

HAND = {"audience_list__c": "Hand", "label_names": "Called"}
EDITED = {
    "organization": ("name",),
    "person": ("name", "loyalty_points__c", "birth_date__c", *CONSENTS, "med_id__c",
               *HAND, "org__source_key"),
    "product": ("name", "brand__c"),
    "deal": ("title", "payment_type__c"),
    "deal_product": ("quantity",),
    "note": ("content",),
}  # fmt: skip
DECIDED = {"person": ("name", "loyalty_points__c"), "deal": ("title", "payment_type__c")}
Place = tuple[str, str]
Acts = tuple[tuple[str, int], ...]
SOURCE_ACTS: Acts = (
    ("edit_contact", 8), ("edit_order", 5), ("edit_elsewhere", 2), ("new_contact", 2),
    ("new_order", 3), ("delete_contact", 1), ("delete_order", 1), ("come_back", 2), ("merge", 2),
)  # fmt: skip
OWN_ACTS: Acts = (("edit_by_hand", 9), ("delete_by_hand", 1), ("decide", 2), ("delta", 9))


class FillEmpty:
    """`fill_empty` as a person would put it: ours comes where nothing is, and follows the source
    as long as it is ours."""

    def __init__(self) -> None:
        self.sent: Any = None
        self.there: Any = None

    def planned(self, wanted: Any) -> None:
        if wanted != self.sent and (self.there is None or self.there == self.sent):
            self.sent = self.there = wanted

    def typed(self, value: Any) -> None:
        self.there = value


class Story:
    """One sequence."""

    def __init__(self, template: Template, folder: Path, seed: int) -> None:
        self.dice = random.Random(f"chain {seed}")
        self.chain = Chain(template, folder / "chain", seed)
        self.once = Chain(template, folder / "once", seed)
        self.source = Source(self.dice)
        self.landed = Landed()
        self.marts = Marts({}, [], [], {})
        self.hands: list[tuple[str, str, str, Any]] = []
        self.told: list[str] = []
        self.done: Counter[str] = Counter()
        # the oracles
        self.kept: dict[Place, Record] = {}
        self.set_once: dict[str, Any] = {}
        self.fill_empty: dict[str, FillEmpty] = {}
        self.consent: dict[tuple[str, str], str] = {}
        self.lost: dict[str, Any] = {}
        self.removed: set[Place] = set()
        self.decisions: dict[tuple[str, str, str], Record] = {}

    def close(self) -> None:
        self.chain.close()
        self.once.close()

    def tell(self, acts: int) -> None:
        """From the first load to the closing delta; up to `acts` acts between them."""
        self.act("new_store")
        for _ in range(self.dice.randrange(2, 5)):
            self.act("new_contact")
        for _ in range(self.dice.randrange(1, 4)):
            self.act("new_order")
        self.delta()
        names, weights = zip(*SOURCE_ACTS, *OWN_ACTS, strict=True)
        for _ in range(self.dice.randrange(acts // 3, acts)):
            self.act(self.dice.choices(names, weights)[0])
        self.delta(every_detail=True)

    def act(self, name: str) -> None:
        """One act, of the source or of somebody here."""
        if hasattr(self.source, name):
            said = getattr(self.source, name)()
            if said:
                self.told.append(said)
                self.done[name] += 1
        else:
            getattr(self, name)()

    # what people do in Pipedrive

    def edit_by_hand(self) -> None:
        records = self.chain.records()
        # a note whose deal was deleted is shown nowhere
        places = [
            (entity, key)
            for entity in EDITED
            for key, record in records[entity].items()
            if entity != "note" or record["deal__source_key"] in records["deal"]
        ]
        if not places:
            return
        entity = self.dice.choice(sorted({entity for entity, _ in places}))
        key = self.dice.choice(sorted(key for one, key in places if one == entity))
        column = self.dice.choice(EDITED[entity])
        self.hand(entity, key, column, self._typed(entity, key, column, records))

    def _typed(self, entity: str, key: str, column: str, records: Records) -> Any:
        number = self.source.number()
        if column in HAND:
            return sorted({*(records[entity][key][column] or ()), HAND[column]})
        return {
            "sms_opt_in__c": "No",
            "email_opt_in__c": "No",
            "birth_date__c": f"1950-{number % 12 + 1:02}-{number % 28 + 1:02}",
            "med_id__c": self.dice.choice((None, f"Hand {number}")),
            "loyalty_points__c": number + 0.25,
            "quantity": 10.0 + number,
            "org__source_key": self.dice.choice(sorted(records["organization"])),
            "content": f"<p>By hand {number}</p><p>[{key}]</p>",
        }.get(column, f"By hand {number}")

    def hand(self, entity: str, key: str, column: str, value: Any) -> None:
        """Somebody edits a field."""
        if not self.chain.edit(entity, key, column, value):
            return
        self.told.append(f"hand {key} {column} {value}")
        self.done["edit_by_hand"] += 1
        self.hands.append((entity, key, column, value))
        if column in CONSENTS:
            self.consent[key, column] = "No"
        if column == "med_id__c":
            self.fill_empty[key].typed(value)
        if (entity, key) in self.kept:
            self.kept[entity, key] = self.chain.records()[entity][key]
            self._keep_lines_sums(key)

    def _keep_lines_sums(self, key: str) -> None:
        """Pipedrive sums a deal up anew when one of its lines changes."""
        deal = f"aiq:order:{key.split(':')[2]}"
        if ("deal", deal) in self.kept:
            self.kept["deal", deal] = self.chain.records()["deal"][deal]

    def delete_by_hand(self) -> None:
        records = self.chain.records()
        places = [(entity, key) for entity in ("deal", "note") for key in sorted(records[entity])]
        if not places:
            return
        entity, key = self.dice.choice(places)
        assert self.chain.delete(entity, key)
        self.told.append(f"hand deletes {key}")
        self.done["delete_by_hand"] += 1
        self.removed.add((entity, key))
        self.kept.pop((entity, key), None)
        for place in self._shown_on(key) if entity == "deal" else []:
            self.kept.pop(place, None)

    def _shown_on(self, deal: str) -> list[Place]:
        """Lines and notes are seen nowhere once their deal is deleted."""
        number = deal.rpartition(":")[2]
        return [
            place
            for place in self.kept
            if place[1].startswith(f"aiq:line:{number}:") or place[1] == f"aiq:note:{number}"
        ]

    def decide(self) -> None:
        """A conflict is decided for the source, by a row of the seed."""
        open_ends = [
            (entity, key, column)
            for entity, key, column, _ in self.hands
            if column in DECIDED.get(entity, ()) and (entity, key) not in self.kept
        ]
        if open_ends:
            place = self.dice.choice(open_ends)
            names = ("entity", "source_key", "column_name")
            self.decisions[place] = {
                **dict(zip(names, place, strict=True)), "decision": "take_ours",
            }  # fmt: skip
            self.told.append(f"decided {place}")
            self.done["decide"] += 1

    # the migration

    def delta(self, *, every_detail: bool = False) -> None:
        """Lands, plans and loads; then the oracles of what went by."""
        before = self.chain.records()
        self.landed = land(self.source, self.landed, every_detail=every_detail)
        self.marts = marts_of(self.landed, self.chain.targets("person").keys())
        self.told.append("delta" + (" of every detail" if every_detail else ""))
        self.done["delta"] += 1
        self._expect_kept(before)
        for contact, row in self.landed.contacts.items():
            key = self.marts.keys[contact]
            self.set_once.setdefault(key, row["refer_code__c"])
            self.fill_empty.setdefault(key, FillEmpty()).planned(row["med_id__c"])
            self._lower(key, row)
        for contact, row in self.landed.merged.items():
            if contact in self.marts.keys:
                self._lower(self.marts.keys[contact], row)
        for key, row in self.marts.rows["deal"].items():
            self.lost[key] = row["lost_reason"] or self.lost.get(key)
        self._load(self.chain, self.marts)

    def _load(self, chain: Chain, marts: Marts) -> None:
        chain.load(
            marts.rows,
            contacts=marts.contacts,
            quarantined=marts.quarantined,
            decisions=list(self.decisions.values()) if chain is self.chain else [],
        )

    def _lower(self, key: str, wanted: Record) -> None:
        for column in CONSENTS:
            last = self.consent.get((key, column), wanted[column])
            self.consent[key, column] = min(last, wanted[column], key=RANKS.__getitem__)

    def _expect_kept(self, before: Records) -> None:
        """Who is no longer in the marts stays as the delta found it, persons with a flag."""
        for entity in ("person", "deal", "deal_product", "note"):
            for key, record in before[entity].items():
                place = (entity, key)
                if key in self.marts.rows[entity]:
                    self.kept.pop(place, None)
                elif place not in self.kept:
                    self.kept[place] = record
        for entity, key in self.kept:
            if entity == "person" and key in before["person"]:
                self.kept[entity, key] = self._flagged(key, before["person"][key])

    def _flagged(self, key: str, record: Record) -> Record:
        contact = key.rpartition(":")[2]
        why = {"gone": "deleted at the source", "hidden": "hidden at the source"}.get(
            self.landed.left.get(contact, "")
        )
        if why is None:
            survivor = self.landed.survivors[contact]
            why = "merged into " + self.marts.keys[survivor] if survivor in self.marts.keys else (
                "merged into a contact that is not loaded"
            )  # fmt: skip
        for column in CONSENTS:
            self.consent[key, column] = "No"
        left = {
            column: [one for one in record[column] or () if one == hand] or None
            for column, hand in HAND.items()
        }
        return {**record, **left, "suppression__c": why, **dict.fromkeys(CONSENTS, "No")}

    # the end

    def check(self) -> None:
        """The chain's end against one load of the final state, people's edits and the oracles."""
        before = self.chain.writes()
        self._load(self.chain, self.marts)
        assert self.chain.writes() == before, ("a delta over a still account wrote", self.told)
        everything = land(self.source, Landed(), every_detail=True)
        marts = marts_of(everything, ())
        self._load(self.once, marts)
        names = {contact_key(one): self.marts.keys[one] for one in marts.keys}
        self._replay({now: key for key, now in names.items() if key in marts.rows["person"]})
        chained, once = self.chain.records(), _renamed(self.once.records(), names)
        for entity, found in chained.items():
            expected = {
                key: {**row, **self._by_the_way(entity, key)} for key, row in once[entity].items()
            }
            expected |= {key: row for (one, key), row in self.kept.items() if one == entity}
            assert found.keys() == expected.keys(), (
                entity, found.keys() ^ expected.keys(), self.told,
            )  # fmt: skip
            for key, record in found.items():
                assert record == expected[key], (key, _differing(record, expected[key]), self.told)

    def _replay(self, names: dict[str, str]) -> None:
        """People's edits over the one load, in their order."""
        for entity, key, column, value in self.hands:
            if (entity, key, column) in self.decisions:
                continue
            target = names.get(key, key)
            record = self.once.records()[entity].get(target)
            if record is None or (entity, key) in self.kept:
                continue
            has = {*(record[column] or ()), HAND[column]} if column in HAND else set()
            self.once.edit(entity, target, column, sorted(has) or value)
        for entity, key in sorted(self.removed):
            self.once.delete(entity, key)

    def _by_the_way(self, entity: str, key: str) -> Record:
        """The rules for which the way matters."""
        if entity == "deal":
            return {"lost_reason": self.lost[key]}
        if entity != "person":
            return {}
        return {
            **{column: self.consent[key, column] for column in CONSENTS},
            "refer_code__c": self.set_once[key],
            "med_id__c": self.fill_empty[key].there,
        }


def _renamed(records: Records, names: dict[str, str]) -> Records:
    """Persons by the keys that the chain uses."""

    def named(row: Record) -> Record:
        return {
            column: names.get(value, value) if isinstance(value, str) else value
            for column, value in row.items()
        }

    return {
        entity: {names.get(key, key): named(row) for key, row in rows.items()}
        for entity, rows in records.items()
    }


def _differing(found: Record, expected: Record) -> dict[str, tuple[Any, Any]]:
    columns: Iterable[str] = found.keys() | expected.keys()
    return {
        column: (found.get(column), expected.get(column))
        for column in sorted(columns)
        if found.get(column) != expected.get(column)
    }


def told(template: Template, folder: Path, seed: int, acts: int) -> Story:
    """A sequence by its seed, checked."""
    story = Story(template, folder / str(seed), seed)
    try:
        story.tell(acts)
        story.check()
    finally:
        story.close()
    return story
