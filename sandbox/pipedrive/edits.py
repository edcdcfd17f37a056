"""What people do in the web app while a migration runs: edits, merges, deletions, field changes.

An action is a JSON object with `action` and, for records, `entity` and either `id` or
`match` (`{"field": "Migration key", "value": "..."}`, by custom field name). Actions: `create`,
`patch`, `delete`, `archive`, `unarchive`, `restore`, `merge` (`merge_with_id`), `delete_field`,
`rename_field`, `add_option`, `rename_option`, `delete_option`, `deactivate_user`, `new_token`,
`spend` (`tokens`), `advance` (`seconds`), `config` (`switches`).
In `changes`, `custom_fields_by_name` takes field names and option labels. Edits cost no tokens
and are made as the second user. Raises `ValueError` or `ApiError` when an action cannot be done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.pipedrive.call import Call
from sandbox.pipedrive.catalog import Catalog
from sandbox.pipedrive.errors import invalid
from sandbox.pipedrive.field_registry import FieldDefinition
from sandbox.pipedrive.merge import merge_records
from sandbox.pipedrive.routes import ROUTES
from sandbox.pipedrive.shape import check_object
from sandbox.pipedrive.store import Doc, Row

if TYPE_CHECKING:
    from sandbox.pipedrive.app import PipedriveSandbox

PATHS = {
    "person": "/api/v2/persons",
    "organization": "/api/v2/organizations",
    "product": "/api/v2/products",
    "deal": "/api/v2/deals",
    "activity": "/api/v2/activities",
    "file": "/api/v1/files",
    "note": "/api/v1/notes",
}


class Edits:
    """Performs actions on one sandbox."""

    def __init__(self, sandbox: PipedriveSandbox, catalog: Catalog) -> None:
        self._sandbox = sandbox
        self._catalog = catalog
        self._actions: dict[str, Callable[[Doc], Any]] = {
            "create": self._create,
            "patch": self._patch,
            "delete": self._delete,
            "archive": self._archive,
            "unarchive": self._unarchive,
            "restore": self._restore,
            "merge": self._merge,
            "delete_field": self._delete_field,
            "rename_field": self._rename_field,
            "add_option": self._add_option,
            "rename_option": self._rename_option,
            "delete_option": self._delete_option,
            "deactivate_user": self._deactivate_user,
            "new_token": self._new_token,
            "spend": self._spend,
            "advance": self._advance,
            "config": self._config,
        }

    def perform(self, action: Doc) -> Any:
        """Does one action in a transaction and returns what it made or touched."""
        name = action.get("action")
        if name not in self._actions:
            msg = f"action {name!r} is unknown"
            raise ValueError(msg)
        store = self._sandbox.account.store
        store.begin()
        try:
            done = self._actions[name](action)
        except BaseException:
            store.rollback()
            self._sandbox.account.fields.reload()
            raise
        store.commit()
        return done

    # records

    def _row(self, action: Doc) -> Row:
        account = self._sandbox.account
        entity = action["entity"]
        if "id" in action:
            row = account.store.get(entity, int(action["id"]))
        else:
            definition = self._named_field(entity, action["match"]["field"])
            found = account.store.rows(
                entity,
                f"json_extract(doc, '$.custom_fields.\"{definition.code}\"')=? ORDER BY id LIMIT 1",
                (action["match"]["value"],),
            )
            row = next(iter(list(found)), None)
        if row is None:
            msg = "no such record"
            raise ValueError(msg)
        return row

    def _call(self, method: str, path: str, values: dict[str, str], body: Doc) -> Any:
        endpoint = next(
            entry
            for entry in self._catalog.endpoints
            if entry.method == method and entry.path == path
        )
        if endpoint.version == 2:
            problems = check_object(endpoint.body, body)
            if problems:
                raise invalid(problems)
        account = self._sandbox.account
        editor = max(row.id for row in account.store.rows("user", "1"))
        call = Call(endpoint, values, {}, body, editor, account.now(), from_app=True)
        return ROUTES[method, path](account, call).data

    def _translated(self, entity: str, changes: Doc) -> Doc:
        body = dict(changes)
        named = body.pop("custom_fields_by_name", None)
        if named is not None:
            fields = {
                self._named_field(entity, name).code: self._option_ids(entity, name, value)
                for name, value in named.items()
            }
            body["custom_fields"] = {**body.get("custom_fields", {}), **fields}
        return body

    def _option_ids(self, entity: str, name: str, value: Any) -> Any:
        definition = self._named_field(entity, name)
        if definition.type == "enum" and isinstance(value, str):
            return self._option(definition, value)
        if definition.type == "set" and isinstance(value, list):
            return [self._option(definition, label) for label in value]
        return value

    def _create(self, action: Doc) -> Any:
        entity = action["entity"]
        return self._call("POST", PATHS[entity], {}, self._translated(entity, action["changes"]))

    def _patch(self, action: Doc) -> Any:
        entity, row = action["entity"], self._row(action)
        method = "PUT" if entity == "note" else "PATCH"
        body = self._translated(entity, action["changes"])
        return self._call(method, PATHS[entity] + "/{id}", {"id": str(row.id)}, body)

    def _delete(self, action: Doc) -> Any:
        row = self._row(action)
        return self._call("DELETE", PATHS[action["entity"]] + "/{id}", {"id": str(row.id)}, {})

    def _patched_deal(self, action: Doc, changes: Doc) -> Any:
        return self._patch({**action, "entity": "deal", "changes": changes})

    def _archive(self, action: Doc) -> Any:
        return self._patched_deal(action, {"is_archived": True})

    def _unarchive(self, action: Doc) -> Any:
        return self._patched_deal(action, {"is_archived": False})

    def _restore(self, action: Doc) -> Any:
        return self._patched_deal(action, {"is_deleted": False})

    def _merge(self, action: Doc) -> Any:
        account, entity = self._sandbox.account, action["entity"]
        loser, winner = self._row(action), account.store.get(entity, int(action["merge_with_id"]))
        if winner is None or winner.id == loser.id:
            msg = "merge_with_id is not another record"
            raise ValueError(msg)
        return {"id": merge_records(account, entity, loser, winner, account.now())["id"]}

    # fields

    def _named_field(self, entity: str, name: str) -> FieldDefinition:
        fields = self._sandbox.account.fields
        definition = fields.find(entity, name) or fields.find_by_name(entity, name)
        if definition is None:
            msg = f"{entity} has no field {name!r}"
            raise ValueError(msg)
        return definition

    def _field(self, action: Doc) -> FieldDefinition:
        return self._named_field(action["entity"], action["field"])

    @staticmethod
    def _option(definition: FieldDefinition, label: str) -> int:
        for number, option in definition.options.items():
            if option["label"] == label:
                return number
        msg = f"field {definition.name!r} has no option {label!r}"
        raise ValueError(msg)

    def _saved(self, definition: FieldDefinition) -> Doc:
        account = self._sandbox.account
        account.fields.save(definition, account.now())
        return {"field_code": definition.code}

    def _delete_field(self, action: Doc) -> Doc:
        definition = self._field(action)
        self._sandbox.account.fields.remove(definition)
        return {"field_code": definition.code}

    def _rename_field(self, action: Doc) -> Doc:
        definition = self._field(action)
        definition.name = action["name"]
        return self._saved(definition)

    def _add_option(self, action: Doc) -> Any:
        account = self._sandbox.account
        entries = [{"label": action["label"]}]
        return account.fields.add_options(self._field(action), entries, account.now())

    def _rename_option(self, action: Doc) -> Doc:
        definition = self._field(action)
        number = self._option(definition, action["label"])
        definition.options[number]["label"] = action["new_label"]
        return self._saved(definition)

    def _delete_option(self, action: Doc) -> Any:
        account, definition = self._sandbox.account, self._field(action)
        number = self._option(definition, action["label"])
        return account.fields.remove_options(definition, [number], account.now())

    # the account

    def _deactivate_user(self, action: Doc) -> Doc:
        account = self._sandbox.account
        row = account.store.get("user", int(action["id"]))
        if row is None:
            msg = "no such user"
            raise ValueError(msg)
        return account.save("user", row, {**row.doc, "active_flag": False}, account.now())

    def _new_token(self, _action: Doc) -> Doc:
        return {"api_token": self._sandbox.account.new_token()}

    def _spend(self, action: Doc) -> Doc:
        self._sandbox.gate.spend(int(action["tokens"]), self._sandbox.account.now())
        return {"remaining": self._sandbox.gate.remaining()}

    def _advance(self, action: Doc) -> Doc:
        self._sandbox.clock.advance(float(action["seconds"]))
        self._sandbox.account.purge_now()
        return {"now": self._sandbox.clock.now()}

    def _config(self, action: Doc) -> Doc:
        self._sandbox.account.change_switches(action["switches"])
        return self._sandbox.account.switches.as_dict()
