"""Why is this record what it is: from the source to Pipedrive, masked unless asked otherwise.

A key is a source key, a link to a record in Pipedrive, or an e-mail address. Reads the warehouse
and the ledger, calls nobody. Raises `ConfigError` when there is no warehouse or no such record.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from load.errors import ConfigError
from load.warehouse import is_there
from migrate import places
from migrate.outcome import Outcome, Table
from migrate.summaries import Warehouse, open_warehouse

if TYPE_CHECKING:
    import duckdb

    from load.progress import Progress

LINK: Final = re.compile(r"^https?://[^/]+/(person|organization|deal|product)s?/(\d+)")
ENTITY: Final = {
    "store": "organization",
    "contact": "person",
    "product": "product",
    "order": "deal",
    "line": "deal_product",
    "note": "note",
    "event": "activity",
    "file": "file",
}
VALUES: Final = """
with planned as (
    select unnest(map_entries(cast(payload as map (varchar, json)))) as member
    from plan.{table} where source_key = $key
), there as (
    select column_name, value from plan.plan_destination_values
    where entity = '{entity}' and source_key = $key
)
select coalesce(planned.member.key, there.column_name) as column_name,
    {mart} as mart, {there} as pipedrive, fields.source, fields.on_update as policy
from planned full outer join there on planned.member.key = there.column_name
left join mapping.fields as fields
    on fields.entity = '{entity}'
    and fields.column_name = coalesce(planned.member.key, there.column_name)
where planned.member.value is not null or there.value is not null order by 1
"""
MASKED: Final = (
    "if(coalesce(fields.is_personal, true) and {value} is not null, "
    "'masked, ' || length({value}) || ' characters', {value})"
)
QUERIES: Final = (
    (
        "Source records of this person",
        (
            "select contact_id, rule as matched_by, score from intermediate.int_contacts_matched "
            "where person_source_key = $key order by contact_id"
        ),
    ),
    (
        "Consent evidence",
        (
            "select channel, source_name, statement_name as statement, stated_at, contact_id "
            "from intermediate.int_consent_evidence_collected where contact_id in "
            "(select contact_id from intermediate.int_contacts_matched "
            "where person_source_key = $key) order by 1, 4"
        ),
    ),
    (
        "Tier",
        (
            "select contact_id, tier_name as tier, rule_name as rule, level_reached "
            "from intermediate.int_contact_tiers_assigned where contact_id in (select contact_id "
            "from intermediate.int_contacts_matched where person_source_key = $key)"
        ),
    ),
    (
        "Plan",
        (
            "select action, reason, array_to_string(changed_fields, ', ') as changed_fields, risk "
            "from plan.{table} where source_key = $key"
        ),
    ),
    (
        "Ledger",
        (
            "select state, origin, pipedrive_id::varchar as pipedrive_id, plan_digest as plan, "
            "reason_code, updated_at from ledger.id_map where entity = '{entity}' "
            "and source_key = $key"
        ),
    ),
    (
        "Calls",
        (
            "select verb, endpoint, outcome, http_status, tokens, intent_at, run_id "
            "from ledger.attempts where entity = '{entity}' and source_key = $key "
            "order by attempt_id"
        ),
    ),
    (
        "Changed by us (values before are kept encrypted in the ledger)",
        (
            "select attempt_id, column_name, hash_before, hash_sent from ledger.journal "
            "where entity = '{entity}' and source_key = $key order by 1, 2"
        ),
    ),
    (
        "Differences found by verify",
        (
            "select column_name, problem, severity, what_to_do from reconciliation.remediation "
            "where entity = '{entity}' and source_key = $key"
        ),
    ),
)


def trace(_progress: Progress, *, key: str, is_masked: bool = True) -> Outcome:
    """`aiq2pd trace`."""
    where = places.here()
    if not is_there(where.warehouse):
        raise ConfigError(f"no warehouse at {where.shown(where.warehouse)}: nothing to trace yet")
    with open_warehouse(where.warehouse) as warehouse:
        entity, source_key = named_record(warehouse.connection, key.strip())
        asked = [("Fields", _values(entity, is_masked=is_masked))]
        asked += [(title, _of_entity(sql, entity)) for title, sql in QUERIES]
        found = (_table(warehouse, title, sql, source_key) for title, sql in asked)
        tables = tuple(table for table in found if table.rows)
    if not tables:
        raise ConfigError(f"{source_key}: neither the warehouse nor the ledger knows this record")
    return Outcome("trace", f"{entity} {source_key}", tables=tables)


def named_record(connection: duckdb.DuckDBPyConnection, key: str) -> tuple[str, str]:
    """Entity and source key of a record, whatever was given: key, link or e-mail address."""
    if link := LINK.match(key):
        entity, number = link.groups()
        sql = "select source_key from ledger.id_map where entity = $entity and pipedrive_id = $id"
        values: dict[str, str | int] = {"entity": entity, "id": int(number)}
    elif "@" in key and not key.startswith("aiq:"):
        entity = "person"
        sql = (
            "select source_key from marts.mart_persons "
            "where list_contains(list_transform(emails, x -> lower(x.value)), $email)"
        )
        values = {"email": key.lower()}
    else:
        kind = ([*key.split(":"), ""])[1]
        if kind not in ENTITY:
            raise ConfigError(
                "give a source key (aiq:contact:...), a link to a record in Pipedrive, or an "
                "e-mail address"
            )
        return ENTITY[kind], key
    rows = connection.execute(sql, values).fetchall()
    if len(rows) != 1:
        raise ConfigError(f"{len(rows)} records fit: give a source key (aiq:contact:...)")
    return entity, str(rows[0][0])


def _of_entity(sql: str, entity: str) -> str:
    from load.plan import ENTITY_TABLES

    return sql.replace("{entity}", entity).replace("{table}", ENTITY_TABLES[entity])


def _values(entity: str, *, is_masked: bool) -> str:
    shape = MASKED if is_masked else "{value}"
    from load.plan import ENTITY_TABLES

    return VALUES.format(
        entity=entity,
        table=ENTITY_TABLES[entity],
        mart=shape.format(value="(planned.member.value ->> '$')"),
        there=shape.format(value="(there.value ->> '$')"),
    )


def _table(warehouse: Warehouse, title: str, sql: str, key: str) -> Table:
    """Rows of a query about one key; none where its table is not there yet."""
    import duckdb

    try:
        found = warehouse.connection.execute(sql, {"key": key})
    except duckdb.CatalogException:
        return Table(title, (), ())
    columns = tuple(column[0] for column in found.description or ())
    rows = tuple(
        tuple(None if cell is None else str(cell) for cell in row) for row in found.fetchall()
    )
    return Table(title, columns, rows)
