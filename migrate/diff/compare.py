"""Asks two warehouses what differs between their plans; the SQL that pairs them is compare.sql.

Values leave here masked where either side's catalogue calls the field personal. Raises
`ConfigError` when a side lacks a plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb

from load.errors import ConfigError
from load.phases import PHASES
from migrate.outcome import Cell, Table

EXAMPLES: Final = 3
MASKED: Final = "if({value} is null, '(nothing)', 'masked, ' || length({value}) || ' characters')"
SHOWN: Final = "coalesce(left({value}, 60), '(nothing)')"
PLAN_TABLES: Final = {
    "organization": "plan_organizations",
    "person": "plan_persons",
    "product": "plan_products",
    "deal": "plan_deals",
    "deal_product": "plan_deal_products",
    "note": "plan_notes",
    "activity": "plan_activities",
    "file": "plan_files",
}
# revisions before these entities plan none of them
LATER: Final = frozenset({"activity", "file"})
TOTALS: Final = (
    "calls",
    "tokens",
    "tokens_per_day",
    "days_at_budget",
    "deals_after_load",
    "deal_cap",
    "custom_fields_needed",
    "custom_field_cap",
    "consent_raises",
    "undo_tokens",
    "undo_days",
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Tables for people, and the two counts that decide the exit code."""

    tables: tuple[Table, ...]
    consent_rises: int
    guards_lost: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not any(table.rows for table in self.tables)


def compare(base: Path, head: Path) -> Comparison:
    """Every difference between the plans of two warehouses."""
    if base == head:
        return Comparison((), 0, ())
    with closing(duckdb.connect()) as connection:
        connection.execute(f"attach '{base}' as base (read_only)")
        connection.execute(f"attach '{head}' as head (read_only)")
        connection.execute("set timezone = 'UTC'")
        try:
            connection.execute(_pairing(connection))
        except duckdb.CatalogException as error:
            raise ConfigError(
                "a side has no plan models of today's shape: compare with a newer revision"
            ) from error
        return Comparison(
            tuple(_table(connection, *each) for each in QUERIES),
            _rows(
                connection,
                "select count(distinct (entity, source_key)) from consent_moves"
                " where direction = 'rise'",
            )[0][0],
            tuple(
                row[0]
                for row in _rows(
                    connection,
                    "select entity || '.' || column_name from guarded"
                    " where not is_still_guarded order by all",
                )
            ),
        )


def _pairing(connection: duckdb.DuckDBPyConnection) -> str:
    """compare.sql with both plans' rows: their union is a view that a copy can't read."""
    sql = Path(__file__).with_name("compare.sql").read_text(encoding="utf-8")
    return sql.replace("{rows_of_base}", _union(connection, "base")).replace(
        "{rows_of_head}", _union(connection, "head")
    )


def _union(connection: duckdb.DuckDBPyConnection, side: str) -> str:
    found = connection.execute(
        "select table_name from information_schema.tables"
        " where table_catalog = ? and table_schema = 'plan'",
        [side],
    ).fetchall()
    there = {str(table) for (table,) in found}
    return "\nunion all\n".join(
        f"select entity, source_key, action, reason, payload, token_cost from {side}.plan.{table}"
        for entity, table in PLAN_TABLES.items()
        if table in there or entity not in LATER
    )


def _table(
    connection: duckdb.DuckDBPyConnection, title: str, columns: Sequence[str], sql: str
) -> Table:
    return Table(title, tuple(columns), tuple(_rows(connection, sql)))


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(_cell(value) for value in row) for row in connection.execute(sql).fetchall()]


def _cell(value: Any) -> Cell:
    return float(value) if isinstance(value, Decimal) else value


def _example(value: str) -> str:
    """A value as it may be shown: personal ones by their length, keys by a digest."""
    masked, shown = MASKED.format(value=value), SHOWN.format(value=value)
    return (
        f"case when column_name like '%\\_\\_source\\_key' escape '\\' then left(md5({value}), 8)"
        f" when coalesce(is_personal, true) then {masked} else {shown} end"
    )


def _costs_of_update() -> str:
    return " ".join(f"when '{phase.entity}' then {phase.update_cost}" for phase in PHASES)


def _only_in(side: str, other: str) -> str:
    """Fields, options and labels of one side that the other does not name."""
    return f"""
        select 'field' as kind, entity, column_name, field_name as name
        from {side}.plan.plan_fields where field_type <> 'native'
            and (entity, column_name) not in (
                select (entity, column_name) from {other}.plan.plan_fields)
        union all
        select 'option', entity, column_name, option_label from {side}.plan.plan_field_options
        where (entity, column_name, option_label) not in (
                select (entity, column_name, option_label) from {other}.plan.plan_field_options)
        union all
        select 'label', entity, '', label_name from {side}.plan.plan_labels
        where (entity, label_name) not in (
                select (entity, label_name) from {other}.plan.plan_labels)
    """


_TOTALS_SQL: Final = " union all ".join(
    f"select {number}, '{name}', cast(before.{name} as double), cast(now.{name} as double)"
    " from base.plan.plan_totals as before, head.plan.plan_totals as now"
    for number, name in enumerate(TOTALS)
)

QUERIES: Final[tuple[tuple[str, tuple[str, ...], str], ...]] = (
    (
        "Fields that change",
        ("entity", "column", "records", "filled", "emptied", "changed"),
        """
        select entity, column_name, count(*),
            count_if(value_before is null), count_if(value_now is null),
            count_if(value_before is not null and value_now is not null)
        from changed_values group by entity, column_name order by entity, column_name
        """,
    ),
    (
        "Examples",
        ("entity", "column", "record", "old", "new"),
        f"""
        select entity, column_name, left(md5(source_key), 8),
            {_example("value_before")}, {_example("value_now")}
        from changed_values left join personal using (entity, column_name)
        qualify row_number() over (
            partition by entity, column_name order by md5(source_key)) <= {EXAMPLES}
        order by entity, column_name, md5(source_key)
        """,
    ),
    (
        "Consent",
        ("entity", "column", "old", "new", "direction", "records"),
        """
        select entity, column_name, coalesce(value_before, '(nothing)'),
            coalesce(value_now, '(nothing)'), direction, count(distinct source_key)
        from consent_moves group by all order by direction desc, 1, 2, 3, 4
        """,
    ),
    (
        "Quarantine",
        ("entity", "rule", "entering", "leaving"),
        """
        select entity, rule, count_if(is_entering), count_if(not is_entering) from (
            select entity, reason_now as rule, true as is_entering from pairs
            where action_now = 'quarantine' and (action_before is distinct from 'quarantine')
            union all
            select entity, reason_before, false from pairs
            where action_before = 'quarantine' and (action_now is distinct from 'quarantine')
        ) group by entity, rule order by entity, rule
        """,
    ),
    (
        "Records by key",
        ("entity", "new", "gone", "changed", "tokens_to_update_if_loaded"),
        f"""
        select entity, count_if(payload_before is null and payload_now is not null) as appear,
            count_if(payload_now is null and payload_before is not null) as vanish,
            count_if(cast(payload_before as varchar) <> cast(payload_now as varchar)) as alter,
            alter * case entity {_costs_of_update()} end
        from pairs group by entity having appear + vanish + alter > 0 order by entity
        """,
    ),
    (
        "To be created in Pipedrive",
        ("kind", "entity", "column", "name"),
        f"{_only_in('head', 'base')} order by all",
    ),
    (
        "Orphaned in Pipedrive (nothing deletes them)",
        ("kind", "entity", "column", "name"),
        f"{_only_in('base', 'head')} order by all",
    ),
    (
        "Fields declared otherwise",
        ("entity", "column", "old", "new"),
        """
        select entity, column_name,
            concat_ws(', ', before.field_name, before.field_type, before.on_update),
            concat_ws(', ', now.field_name, now.field_type, now.on_update)
        from base.plan.plan_fields as before
        inner join head.plan.plan_fields as now using (entity, column_name)
        where (before.field_name, before.field_type, before.on_update, before.is_personal)
            is distinct from (now.field_name, now.field_type, now.on_update, now.is_personal)
        order by entity, column_name
        """,
    ),
    (
        "Calls and tokens",
        ("entity", "action", "calls_before", "calls_now", "tokens_before", "tokens_now"),
        """
        select entity, action,
            coalesce(sum(before.calls), 0), coalesce(sum(now.calls), 0),
            coalesce(sum(before.tokens), 0), coalesce(sum(now.tokens), 0)
        from (
            select entity, action, sum(calls) as calls, sum(tokens) as tokens
            from base.plan.plan_summary group by all
        ) as before
        full join (
            select entity, action, sum(calls) as calls, sum(tokens) as tokens
            from head.plan.plan_summary group by all
        ) as now using (entity, action)
        group by entity, action
        having coalesce(sum(before.calls), 0) <> coalesce(sum(now.calls), 0)
            or coalesce(sum(before.tokens), 0) <> coalesce(sum(now.tokens), 0)
        order by entity, action
        """,
    ),
    (
        "Totals, caps and days",
        ("what", "before", "now"),
        f"""
        select name, before, now from ({_TOTALS_SQL}) as totals (position, name, before, now)
        where before is distinct from now or name in ('tokens', 'days_at_budget')
        order by position
        """,
    ),
)
