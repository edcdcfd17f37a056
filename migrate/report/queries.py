"""What the report asks of the warehouse, section by section. Masking is done by the models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from migrate.outcome import Table
from migrate.report.plots import Bar
from migrate.summaries import RECONCILIATION

Plotter = Callable[[tuple[Table, ...]], list[Bar]]

BINDING: Final = (
    'select source_account as "Alpine IQ account", '
    "company_domain || ' (' || company_id || ')' as \"Pipedrive company\" from ledger.binding"
)
REMEDIATION: Final = "select * from reconciliation.remediation"
TOKENS: Final = (
    "select entity, sum(calls)::bigint as calls, sum(tokens)::bigint as tokens "
    "from ledger.token_use group by entity order by tokens desc"
)
RUNS: Final = (
    "select kind, plan_digest as plan, started_at, exit_reason, calls, writes, "
    "tokens_spent as tokens from ledger.runs order by started_at"
)

LOOKED_AT: Final = (
    ("name", "name"),
    ("emails", "e_mail"),
    ("phones", "phone"),
    ("loyalty_points__c", "points"),
    ("loyalty_tier__c", "tier"),
    ("sms_opt_in__c", "sms_opt_in"),
    ("email_opt_in__c", "email_opt_in"),
)
SPOT_CHECK: Final = (
    "select store_name as store, risk_class as risk, pipedrive_id::varchar as pipedrive_id, "
    + ", ".join(
        "any_value(if(verdict in ('equal', 'normalised_equal', 'kept'), source_shown, "
        "concat_ws(' ≠ ', coalesce(source_shown, '(none)'), coalesce(destination_shown, '(none)'))"
        f")) filter (where column_name = '{column}') as {name}"
        for column, name in LOOKED_AT
    )
    + ", count_if(verdict not in ('equal', 'normalised_equal', 'kept')) as differing "
    "from reconciliation.rec_spot_check group by store_name, risk_class, source_key, pipedrive_id "
    "order by store_name, risk_class, source_key"
)


@dataclass(frozen=True, slots=True)
class Spec:
    """A section: its queries by title, and what to draw from their rows."""

    anchor: str
    title: str
    introduction: str
    queries: tuple[tuple[str, str], ...]
    plot: Plotter | None = None


def _arrived(tables: tuple[Table, ...]) -> list[Bar]:
    return [
        Bar(
            str(row["entity"]),
            _number(row["in_destination"]),
            _number(row["expected"]),
            f"{_number(row['in_destination']):,.0f} of {_number(row['expected']):,.0f}",
        )
        for row in tables[0].records()
    ]


def _rates(tables: tuple[Table, ...]) -> list[Bar]:
    return [
        Bar(
            str(row["field"]),
            _number(row["in_pipedrive"]),
            1.0,
            f"{_number(row['in_pipedrive']):.0%}",
        )
        for row in tables[0].records()
        if row["entity"] == "person"
    ]


def _coverage(tables: tuple[Table, ...]) -> list[Bar]:
    return [
        Bar(
            str(row["label"]),
            _number(row["members_on_both"]),
            _number(row["source_members"]),
            f"{_number(row['members_on_both']):,.0f} of {_number(row['source_members']):,.0f}",
        )
        for row in tables[0].records()
        if row["column_name"] == "audience_list__c"
    ]


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


SECTIONS: Final = (
    Spec(
        "counts",
        "Counts by phase",
        "Records of the source that may cross, and what Pipedrive holds of them.",
        (
            RECONCILIATION[0],
            (
                "What became of every record",
                "select * from reconciliation.rec_accounting order by entity",
            ),
        ),
        _arrived,
    ),
    Spec(
        "dimensions",
        "Five dimensions",
        "Persons (less those the policy keeps back), organizations, deals, fields, labels.",
        (
            RECONCILIATION[1],
            (
                "Consent by channel",
                (
                    "select channel, statement, source_persons, destination_persons, difference, "
                    "persons_raised from reconciliation.rec_consent_counts order by channel, rank"
                ),
            ),
            ("Points", "select * from reconciliation.rec_points_total order by column_name"),
            (
                "Order totals by store and month",
                "select * from reconciliation.rec_order_totals order by 1, 2, 3",
            ),
        ),
    ),
    Spec(
        "population",
        "Population of fields",
        "How many persons have a value in Pipedrive, by field; the table has all entities.",
        (
            (
                "Custom fields with a value",
                (
                    "select entity, field_name as field, source_filled, destination_filled, "
                    "source_rate as in_alpine_iq, destination_rate as in_pipedrive, difference "
                    "from reconciliation.rec_field_population where is_custom "
                    "order by entity, destination_rate desc, field_name"
                ),
            ),
        ),
        _rates,
    ),
    Spec(
        "tags",
        "Coverage of audiences",
        "Members of each audience that carry it in Pipedrive, as a label or as an option.",
        (
            (
                "Audiences",
                (
                    "select label, column_name, source_members, destination_members, "
                    "members_on_both, coverage from reconciliation.rec_tag_coverage "
                    "order by label, column_name"
                ),
            ),
        ),
        _coverage,
    ),
    Spec(
        "fields",
        "Comparison of fields",
        "Every field of every record, read back and compared.",
        (
            RECONCILIATION[2],
            (
                "Fields that differ",
                (
                    "select entity, field_name, verdict, record_count from "
                    "reconciliation.rec_field_comparison where is_mismatch order by 4 desc, 1, 2"
                ),
            ),
        ),
    ),
    Spec(
        "spot-check",
        "Spot check",
        "Forty people drawn by lot over stores and kinds of risk, for human eyes. Open the record "
        "in Pipedrive by its id; a value that differs shows as source, then destination.",
        (("People to look at", SPOT_CHECK),),
    ),
    Spec(
        "to-do",
        "What a person has to do",
        "Worst first; remediation.csv has all lines. Personal values are masked.",
        (
            (
                "By problem",
                (
                    "select severity, entity, problem, what_to_do, count(*) as records "
                    "from reconciliation.remediation "
                    "group by severity, entity, problem, what_to_do "
                    "order by array_position(['critical', 'high', 'medium', 'low'], severity), "
                    "records desc, problem"
                ),
            ),
            ("Line by line", REMEDIATION),
        ),
    ),
)
