"""Records as v2 returns them: all custom fields, optional labels, optional counters."""

from __future__ import annotations

from typing import Any, Final

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.custom_fields import shown
from sandbox.pipedrive.errors import invalid
from sandbox.pipedrive.field_registry import CONTACT_SYNC
from sandbox.pipedrive.store import Doc

MOST_CODES: Final = 15
INTERNAL: Final = "_set"
LABELLED: Final = ("person", "organization", "deal")
COUNTS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "deal": {
        "products_count": ("deal_product", "deal_id=? AND deleted IS NULL"),
        "notes_count": ("note", "deal_id=? AND deleted IS NULL"),
        "files_count": ("file", "deal_id=? AND deleted IS NULL"),
        "activities_count": ("activity", "deal_id=? AND deleted IS NULL"),
    },
    "person": {
        "notes_count": ("note", "person_id=? AND deleted IS NULL"),
        "files_count": ("file", "person_id=? AND deleted IS NULL"),
        "activities_count": ("activity", "person_id=? AND deleted IS NULL"),
        "open_deals_count": ("deal", "person_id=? AND deleted IS NULL AND status='open'"),
        "won_deals_count": ("deal", "person_id=? AND deleted IS NULL AND status='won'"),
        "lost_deals_count": ("deal", "person_id=? AND deleted IS NULL AND status='lost'"),
    },
    "organization": {
        "people_count": ("person", "org_id=? AND deleted IS NULL"),
        "notes_count": ("note", "org_id=? AND deleted IS NULL"),
        "open_deals_count": ("deal", "org_id=? AND deleted IS NULL AND status='open'"),
        "won_deals_count": ("deal", "org_id=? AND deleted IS NULL AND status='won'"),
        "lost_deals_count": ("deal", "org_id=? AND deleted IS NULL AND status='lost'"),
    },
}


class Presenter:
    """Turns stored documents into replies for one call."""

    def __init__(self, account: Account, kind: str, query: dict[str, Any]) -> None:
        self._account = account
        self._kind = kind
        self._only = _codes(query)
        self._option_labels = bool(query.get("include_option_labels"))
        self._labels = bool(query.get("include_labels"))
        text = query.get("include_fields")
        self._extra = text.split(",") if text else []
        self._drops_nulls = account.switches.empty_keys == "absent"
        self._hides_sync = kind == "person" and not account.switches.contact_sync

    def show(self, stored: Doc) -> Doc:
        doc = stored.copy()
        doc.pop(INTERNAL, None)
        if self._hides_sync:
            for key in CONTACT_SYNC:
                doc.pop(key, None)
        marketing = doc.pop("marketing_status", None)
        custom = doc.pop("custom_fields", None)
        if self._drops_nulls:
            doc = {key: value for key, value in doc.items() if value is not None}
        if "label_ids" in doc:
            self._show_labels(doc)
        for name in self._extra:
            doc[name] = self._counter(name, doc["id"], marketing)
        if custom is not None:
            doc["custom_fields"] = shown(
                self._account, self._kind, custom, only=self._only, labels=self._option_labels
            )
        return doc

    def _show_labels(self, doc: Doc) -> None:
        definition = self._account.fields.find(self._kind, "label_ids")
        if definition is None:
            return
        options = definition.options
        if definition.lost_options:
            doc["label_ids"] = [number for number in doc["label_ids"] if number in options]
        if self._labels:
            doc["labels"] = [
                {"id": number, "label": options[number]["label"]} for number in doc["label_ids"]
            ]

    def _counter(self, name: str, record_id: int, marketing: str | None) -> Any:
        if name == "marketing_status":
            return marketing if self._account.switches.campaigns else None
        table = COUNTS.get(self._kind, {}).get(name)
        if table is not None:
            return self._account.store.count(*table, (record_id,))
        return 0 if name.endswith("_count") else None


def _codes(query: dict[str, Any]) -> list[str] | None:
    text = query.get("custom_fields")
    if text is None:
        return None
    codes = str(text).split(",")
    if len(codes) > MOST_CODES:
        raise invalid([f"custom_fields: At most {MOST_CODES} field codes are allowed"])
    return codes
