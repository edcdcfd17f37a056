"""The flaws that real exports have, each a change to one contact's document.

Every flaw has a rate, and the first accounts' contacts show each flaw once whatever the rate, so
that an account of 300 has a fair sample. Raises nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from sandbox.generator.pools import Pools

Document = dict[str, Any]
Spoil = Callable[[Document, Random, Pools], None]


@dataclass(frozen=True, slots=True)
class Flaw:
    """A change to a document, with the share of contacts that have it."""

    name: str
    rate: float
    spoil: Spoil


def _emoji(doc: Document, rng: Random, _: Pools) -> None:
    doc["firstName"] += rng.choice((" 🌿", "👩‍👩‍👧", " 🇺🇸", "\U0001f525"))


def _right_to_left(doc: Document, rng: Random, pools: Pools) -> None:
    doc["firstName"], doc["lastName"] = rng.choice(pools.right_to_left)


def _foreign(doc: Document, rng: Random, pools: Pools) -> None:
    doc["firstName"], doc["lastName"] = rng.choice(pools.foreign)


def _html(doc: Document, _: Random, __: Pools) -> None:
    doc["firstName"] = f"<b>{doc['firstName']}</b>"
    doc["lastName"] = f"{doc['lastName']} &amp; O&#39;Neil<script>alert(1)</script>"


def _formula(doc: Document, _: Random, __: Pools) -> None:
    doc["lastName"] = f'=HYPERLINK("https://example.com","{doc["lastName"]}")'


def _long(doc: Document, _: Random, __: Pools) -> None:
    doc["lastName"] = (doc["lastName"] + "-") * 60
    doc["lastName"] = doc["lastName"][:300]
    doc["address"] = "Example Street " * 20


def _control(doc: Document, _: Random, __: Pools) -> None:
    doc["firstName"] = doc["firstName"][:2] + "\x00" + doc["firstName"][2:]
    doc["lastName"] = "\x07" + doc["lastName"] + "\r\n"


def _zero_width(doc: Document, _: Random, __: Pools) -> None:
    doc["firstName"] = "\u200b" + doc["firstName"] + "\ufeff"


def _single_name(doc: Document, _: Random, __: Pools) -> None:
    doc["lastName"] = ""


def _initials(doc: Document, _: Random, __: Pools) -> None:
    doc["firstName"], doc["lastName"] = doc["firstName"][:1] + ".", doc["lastName"][:1]


def _nameless(doc: Document, _: Random, __: Pools) -> None:
    doc["firstName"], doc["lastName"] = None, None


def _walk_in(doc: Document, _: Random, __: Pools) -> None:
    doc["firstName"], doc["lastName"], doc["mobilePhone"] = "Walk", "In", "5555555555"


def _test_account(doc: Document, _: Random, __: Pools) -> None:
    doc["firstName"], doc["lastName"] = "TEST", "DO NOT USE"


def _shouted(doc: Document, _: Random, __: Pools) -> None:
    doc["firstName"], doc["lastName"] = doc["firstName"].upper(), doc["lastName"].upper()
    if doc["email"]:
        doc["email"] = f"  {doc['email'].upper()} "


def _no_email_placeholder(doc: Document, _: Random, __: Pools) -> None:
    doc["email"] = "noemail@example.com"


def _broken_email(doc: Document, rng: Random, __: Pools) -> None:
    doc["email"] = rng.choice(("not an address", "a@b@example.com", "name@", "@example.com"))


def _unreachable(doc: Document, _: Random, __: Pools) -> None:
    doc["email"], doc["mobilePhone"], doc["homePhone"] = None, "", ""


def _birth_date(value: object) -> Spoil:
    def spoil(doc: Document, _: Random, __: Pools) -> None:
        doc["birthdate"] = value

    return spoil


def _deleted_store(doc: Document, _: Random, __: Pools) -> None:
    doc["favoriteStoreID"], doc["favoriteStore"] = 9, "Closed store"


def _loose_consent(doc: Document, rng: Random, _: Pools) -> None:
    doc["smsconsent"] = rng.choice((1, 0, "true", "", "false"))


def _mixed_attributes(doc: Document, rng: Random, _: Pools) -> None:
    doc["customAttributes"] = [
        *(doc["customAttributes"] or []),
        {"parent": "", "key": "Visits", "value": rng.choice((12, "12", "a dozen")), "ts": None},
        {"parent": "", "key": "visits", "value": "13", "ts": 1_700_000_000},
        {"parent": "pos", "key": "Newsletter", "value": True, "ts": None},
        {"parent": "", "key": "Card expires", "value": None, "ts": 0},
        {"parent": "", "key": "", "value": "a value without a key", "ts": None},
    ]


def _odd_gender(doc: Document, _: Random, __: Pools) -> None:
    doc["gender"], doc["state"], doc["country"] = "Not specified", "Ore.", ""


def _canadian(doc: Document, _: Random, __: Pools) -> None:
    doc["zip"], doc["state"], doc["country"] = "V5K 0A1", "British Columbia", "CA"


def _opted_out_later(doc: Document, _: Random, __: Pools) -> None:
    doc["optinTime"] = doc["inserted"] + 1000
    doc["optoutTime"] = doc["optinTime"] + 86_400


def _opted_in_again(doc: Document, _: Random, __: Pools) -> None:
    doc["optoutTime"] = doc["inserted"] + 1000
    doc["optinTime"] = doc["optoutTime"] + 86_400


def _never_as_zero(doc: Document, _: Random, __: Pools) -> None:
    doc["optinTime"], doc["optoutTime"], doc["emailOptInTime"] = 0, 0, 0


FLAWS: Final = (
    Flaw("emoji", 0.006, _emoji),
    Flaw("right to left", 0.003, _right_to_left),
    Flaw("other scripts", 0.02, _foreign),
    Flaw("html", 0.004, _html),
    Flaw("spreadsheet formula", 0.001, _formula),
    Flaw("300 characters", 0.001, _long),
    Flaw("control characters", 0.001, _control),
    Flaw("zero width", 0.004, _zero_width),
    Flaw("one name", 0.02, _single_name),
    Flaw("initials", 0.01, _initials),
    Flaw("no name", 0.004, _nameless),
    Flaw("walk in", 0.002, _walk_in),
    Flaw("test account", 0.001, _test_account),
    Flaw("upper case", 0.03, _shouted),
    Flaw("placeholder e-mail", 0.005, _no_email_placeholder),
    Flaw("broken e-mail", 0.005, _broken_email),
    Flaw("no address at all", 0.001, _unreachable),
    Flaw("leap day", 0.002, _birth_date("1992-02-29")),
    Flaw("30 February", 0.001, _birth_date("1990-02-30")),
    Flaw("year 1900", 0.004, _birth_date("1900-01-01")),
    Flaw("year 1", 0.004, _birth_date("0001-01-01T00:00:00Z")),
    Flaw("born in the future", 0.001, _birth_date("2091-05-17")),
    Flaw("born today", 0.001, _birth_date("2026-06-30")),
    Flaw("US birth date", 0.08, _birth_date("04/09/1988")),
    Flaw("epoch birth date", 0.02, _birth_date(576_547_200)),
    Flaw("deleted store", 0.007, _deleted_store),
    Flaw("loose consent", 0.02, _loose_consent),
    Flaw("mixed attributes", 0.02, _mixed_attributes),
    Flaw("odd gender", 0.02, _odd_gender),
    Flaw("canadian", 0.004, _canadian),
    Flaw("opted out later", 0.02, _opted_out_later),
    Flaw("opted in again", 0.01, _opted_in_again),
    Flaw("zero for never", 0.02, _never_as_zero),
)
_SHOWCASE_STEP: Final = 4
_TOTAL_RATE: Final = sum(flaw.rate for flaw in FLAWS)


def flaws_of(number: int, rng: Random) -> list[Flaw]:
    """The flaws of contact `number` (from 1): at most one for show and at most one by rate."""
    chosen = []
    if number % _SHOWCASE_STEP == 3 and number // _SHOWCASE_STEP < len(FLAWS):
        chosen.append(FLAWS[number // _SHOWCASE_STEP])
    drawn = rng.random()
    if drawn < _TOTAL_RATE:
        for flaw in FLAWS:
            drawn -= flaw.rate
            if drawn < 0:
                chosen.append(flaw)
                break
    return chosen


def spelled_phone(digits: str, rng: Random) -> str:
    """The ten digits as some till wrote them; two of a hundred are lost for being invalid."""
    drawn = rng.random()
    if drawn < 0.78:
        return digits
    area, exchange, line = digits[:3], digits[3:6], digits[6:]
    if drawn < 0.98:
        return (
            f"+1{digits}",
            f"1{digits}",
            f"({area}) {exchange}-{line}",
            f"{area}.{exchange}.{line}",
            f"+1 {area} {exchange} {line}",
        )[int((drawn - 0.78) / 0.04)]
    return f"{area}-{exchange}-{line} ext. 4" if drawn < 0.99 else digits[:9]


def spelled_state(code: str, name: str, rng: Random) -> str:
    """A state as code, as name, in lower case."""
    drawn = rng.random()
    if drawn < 0.7:
        return code
    return name if drawn < 0.9 else code.lower()
