"""Contacts of an account: who they are, what they allowed, how tills spelled them.

`PersonaMaker.make(number)` gives one contact as the document that the look-up by id shows, plus
what nobody sees: which real person it is, and why it may be hidden. Numbers start at 1 and must be
asked for in order, because later contacts share phones and names with earlier ones. Times are epoch
seconds. Raises nothing.
"""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any, Final

from sandbox.generator.dirt import flaws_of, spelled_phone, spelled_state
from sandbox.generator.phones import PhoneBook
from sandbox.generator.places import Store
from sandbox.generator.pools import Pools
from sandbox.generator.spec import HISTORY_SECONDS, AccountSpec

PLATFORMS: Final = ("leaflogix", "dutchie", "cova", "treez", "flowhub", "loyalty", "flat file")
HIDDEN_RATES: Final = (
    ("blocklisted", 0.009),
    ("archived", 0.003),
    ("internal_archive", 0.001),
    ("merged", 0.002),
    ("deleted", 0.001),  # gone for good, still named by audiences and histories
)
_HIDDEN_TOTAL: Final = sum(rate for _, rate in HIDDEN_RATES)
_FIRST_HIDDEN: Final = 21  # contacts 21, 32, 43 ... show each way of being hidden once
_HIDDEN_STEP: Final = 11
_MAILS: Final = ("example.com", "example.org", "example.net", "mail.example.com")
_GENDERS: Final = ("F", "M", "F", "M", "Female", "Male", "nonbinary", "", None)
_GROUPS: Final = ("Veteran", "Medical", "Employee", "Senior", "Veteran|Senior", "Veteran, Medical")
_BIRTH_BASE: Final = date(1945, 1, 1)
_RECENT: Final = 50


@dataclass(slots=True)
class Persona:
    """One contact of the account and the truth about it."""

    number: int
    person: int  # the same for two contacts that are one human being
    doc: dict[str, Any]
    audiences: list[str] = field(default_factory=list)
    hidden: str | None = None
    merged_into: int | None = None

    @property
    def contact_id(self) -> str:
        return str(self.doc["contactID"])


def contact_id(seed: int, number: int) -> str:
    """The id of contact `number`; random-looking, so that order by id is no order of insertion."""
    return hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=16).hexdigest()


class PersonaMaker:
    """Makes contacts one after the other."""

    def __init__(
        self, spec: AccountSpec, stores: tuple[Store, ...], pools: Pools, rng: Random
    ) -> None:
        self._spec = spec
        self._stores = stores
        self._pools = pools
        self._rng = rng
        self._phones = PhoneBook(round(spec.personas * 1.05))
        self._recent: deque[Persona] = deque(maxlen=_RECENT)

    def make(self, number: int) -> Persona:
        rng = self._rng
        persona = Persona(number, number, self._base(number, rng))
        self._relate(persona, rng)
        for flaw in flaws_of(number, rng):
            if persona.doc["firstName"] is None:
                break  # the nameless stay as they are: other flaws spell a name
            flaw.spoil(persona.doc, rng, self._pools)
        persona.hidden = _hidden(number, rng)
        if persona.hidden == "merged":
            self._merge(persona, rng)
        if persona.hidden is None:
            self._recent.append(persona)
        return persona

    def _merge(self, persona: Persona, rng: Random) -> None:
        """A merged contact needs an earlier one that took it over."""
        if not self._recent:
            persona.hidden = "archived"
            return
        survivor = rng.choice(self._recent)
        persona.merged_into = survivor.number
        persona.person = survivor.person

    def _relate(self, persona: Persona, rng: Random) -> None:
        """A family member under one phone, or the same person from a second source."""
        drawn = rng.random()
        if not self._recent or (drawn >= 0.05 and persona.number not in {9, 10}):
            return
        other = rng.choice(self._recent)
        doc, known = persona.doc, other.doc
        if drawn < 0.03 or persona.number == 9:
            doc["mobilePhone"], doc["lastName"] = known["mobilePhone"], known["lastName"] or ""
            return
        persona.person = other.person
        doc["firstName"], doc["lastName"] = known["firstName"] or "", known["lastName"] or ""
        doc["birthdate"] = known["birthdate"]
        doc["email"] = known["email"].upper() if known["email"] else None
        doc["homePhone"], doc["mobilePhone"] = known["mobilePhone"], ""

    def _base(self, number: int, rng: Random) -> dict[str, Any]:
        spec, draw = self._spec, rng.random
        store = self._stores[int(draw() * draw() * len(self._stores))]
        inserted = spec.until - int(draw() * HISTORY_SECONDS) - 3600
        first, last = _pick(self._pools.first, rng), _pick(self._pools.last, rng)
        email, phone = self._addresses(number, first, last, rng)
        platform = PLATFORMS[int(draw() * draw() * len(PLATFORMS))]
        sources = _sources(number, platform, store, self._stores, rng)
        loyal = draw() < 0.60
        signup = inserted + int(draw() * 86_400 * 30) if loyal else None
        favorite = store if draw() < 0.85 else None
        town = store.town
        code = first.upper()[:8] + str(number)
        return {
            "contactID": contact_id(spec.seed, number),
            "srcID": sources[0]["id"] if sources else None,
            "srcIDs": sources or None,
            "firstName": first,
            "lastName": last,
            "email": email,
            "mobilePhone": phone,
            "homePhone": self._new_phone(rng) if draw() < 0.06 else "",
            "platform": platform,
            "address": _pick(self._pools.streets, rng) if draw() < 0.6 else "",
            "city": town.city if draw() < 0.8 else town.city.lower(),
            "state": spelled_state(town.state, town.state_name, rng),
            "zip": _zip(town.zip_code, rng),
            "country": ("US", "USA", "United States", "")[int(draw() * draw() * 4)],
            "birthdate": _birth_date(rng) if draw() < 0.85 else None,
            "gender": _pick(_GENDERS, rng),
            "medID": f"{town.state}-MED-{number:07d}" if draw() < 0.08 else None,
            "favoriteStore": favorite.view["name"] if favorite else "",
            "favoriteStoreID": favorite.store_id if favorite else None,
            "inserted": inserted,
            "loyalty": loyal,
            "loyaltySignupTS": signup,
            "loyaltyPoints": 0.0,
            "usedPoints": 0.0,
            "lifetimePoints": 0.0,
            "tier": None,
            "spent": 0.0,
            "countOfSales": 0,
            "lastSale": None,
            "leakyBucket": "new",
            **_consents(inserted, has_phone=bool(phone), has_email=bool(email), rng=rng),
            "pushOptIn": draw() < 0.1,
            "browserPushOptIn": draw() < 0.05,
            "voiceOptIn": False,
            "walletPass": loyal and draw() < 0.3,
            "ageGate": True,
            "referCode": code,
            "referLink": f"https://lab.alpineiq.com/joinMembers/{spec.uid}?refCode={code}",
            "customAttributes": _attributes(self._pools, rng),
        }

    def _addresses(self, number: int, first: str, last: str, rng: Random) -> tuple[str | None, str]:
        draw = rng.random()
        has_email, has_phone = draw >= 0.35, not 0.35 <= draw < 0.39
        email = None
        if has_email:
            local = f"{first}.{last}{number}".lower().replace(" ", "").replace("'", "")
            email = f"{local}@{_MAILS[int(rng.random() * len(_MAILS))]}"
        elif rng.random() < 0.5:
            email = ""
        return email, self._new_phone(rng) if has_phone else ""

    def _new_phone(self, rng: Random) -> str:
        return spelled_phone(self._phones.next(), rng)


def _pick(pool: tuple[Any, ...], rng: Random) -> Any:
    return pool[int(rng.random() * len(pool))]


def _zip(code: str, rng: Random) -> str:
    drawn = rng.random()
    if drawn < 0.85:
        return code
    if drawn < 0.93:
        return f"{code}-{int(rng.random() * 9000) + 1000}"
    return code.lstrip("0") if drawn < 0.97 else ""


def _birth_date(rng: Random) -> str:
    return (_BIRTH_BASE + timedelta(days=int(rng.random() * 21_900))).isoformat()


def _sources(
    number: int, platform: str, store: Store, stores: tuple[Store, ...], rng: Random
) -> list[dict[str, str]]:
    if platform == "loyalty" and rng.random() < 0.8:
        return []
    first = {"source": platform, "id": _source_id(platform, number, rng)}
    if rng.random() < 0.9:
        first["store"] = store.district
    sources = [first]
    if rng.random() < 0.32:
        other = _pick(stores, rng)
        again = first["id"] if rng.random() < 0.5 else _source_id(platform, number, rng)
        sources.append({"source": platform, "id": again, "store": other.district})
        if rng.random() < 0.3:
            sources.append({"source": "rawfiles", "id": _uuid(rng)})
    return sources


def _source_id(platform: str, number: int, rng: Random) -> str:
    if platform == "cova":
        return _uuid(rng)
    return str(700_000 + number * 10 + int(rng.random() * 10))


def _uuid(rng: Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _consents(inserted: int, *, has_phone: bool, has_email: bool, rng: Random) -> dict[str, Any]:
    at = inserted + int(rng.random() * 86_400 * 10)
    drawn = rng.random() if has_phone else 1.0
    opted_in, opted_out = drawn < 0.38, 0.38 <= drawn < 0.47
    pending = 0.47 <= drawn < 0.53
    mail = rng.random() if has_email else 1.0
    return {
        "optinTime": at if opted_in or (opted_out and drawn < 0.45) else None,
        "optoutTime": at + 86_400 * 40 if opted_out else None,
        "optreqTime": at - 100 if opted_in or opted_out or pending else None,
        "hasRequested": True if pending else None,
        "emailOptInTime": at if mail < 0.55 else None,
        "emailOptOutTime": at + 86_400 * 90 if mail < 0.06 else None,
        "smsconsent": opted_in,
    }


def _attributes(pools: Pools, rng: Random) -> list[dict[str, Any]] | None:
    found: list[dict[str, Any]] = []
    if rng.random() < 0.12:
        found.append(
            {"parent": "", "key": "Discount Groups", "value": _pick(_GROUPS, rng), "ts": None}
        )
    if rng.random() < 0.10:
        employee = _pick(pools.employees, rng)
        found.append({"parent": "", "key": "Employee Signup", "value": employee, "ts": None})
    return found or None


def _hidden(number: int, rng: Random) -> str | None:
    shown, rest = divmod(number - _FIRST_HIDDEN, _HIDDEN_STEP)
    if rest == 0 and 0 <= shown < len(HIDDEN_RATES):
        return HIDDEN_RATES[shown][0]
    drawn = rng.random()
    if drawn >= _HIDDEN_TOTAL:
        return None
    for name, rate in HIDDEN_RATES:
        drawn -= rate
        if drawn < 0:
            return name
    return None
