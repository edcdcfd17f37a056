"""What the report asks of the warehouse, section by section. Masking is done by the models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from migrate.outcome import Table
from migrate.report.plots import Bar, Parts, bars, stacks
from migrate.summaries import RECONCILIATION

Plotter = Callable[[tuple[Table, ...]], Markup]

BINDING: Final = (
    'select source_account as "Alpine IQ account", '
    "company_domain || ' (' || company_id || ')' as \"Pipedrive company\" from ledger.binding"
)
HEADLINE_COUNTS: Final = (
    "select entity, in_destination::bigint, expected::bigint from reconciliation.rec_counts "
    "where entity in ('organization', 'person', 'deal') order by phase"
)
HEADLINE_VALUES: Final = (
    "select coalesce(sum(record_count), 0)::bigint, "
    "coalesce(sum(record_count) filter (where is_mismatch), 0)::bigint "
    "from reconciliation.rec_field_comparison"
)
APPLIED: Final = (
    "select plan_digest as plan, sum(tokens_spent)::bigint as tokens, sum(calls)::bigint as calls, "
    "round(sum(epoch(ended_at) - epoch(started_at)), 1) as seconds from ledger.runs "
    "where kind = 'apply' group by plan_digest"
)
BUDGET: Final = "select plan_name, seats, tokens_per_day from plan.plan_totals"
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
    ("emails", "email"),
    ("phones", "phone"),
    ("loyalty_points__c", "points"),
    ("loyalty_tier__c", "tier"),
    ("sms_opt_in__c", "sms_opt_in"),
    ("email_opt_in__c", "email_opt_in"),
)
SIDES: Final = (("Alpine IQ", "source_shown"), ("Pipedrive", "destination_shown"))
SPOT_CHECK: Final = (
    "select store, risk, pipedrive_link as record, side, "
    + ", ".join(name for _, name in LOOKED_AT)
    + ", differing from ("
    + " union all ".join(
        f"select store_name as store, risk_class as risk, pipedrive_link, '{side}' as side, "
        + ", ".join(
            f"any_value({shown}) filter (where column_name = '{column}') as {name}"
            for column, name in LOOKED_AT
        )
        + ", count_if(verdict not in ('equal', 'normalised_equal', 'kept')) as differing, "
        "source_key from reconciliation.rec_spot_check "
        "group by store_name, risk_class, source_key, pipedrive_link"
        for side, shown in SIDES
    )
    + ") order by store, risk, source_key, side"
)


@dataclass(frozen=True, slots=True)
class Spec:
    """A section: its queries by title, and what to draw from their rows."""

    anchor: str
    title: str
    introduction: str
    queries: tuple[tuple[str, str], ...]
    plot: Plotter | None = None


def _arrived(tables: tuple[Table, ...]) -> Markup:
    rows = [
        Bar(
            str(row["entity"]).replace("_", " "),
            _number(row["in_destination"]),
            _number(row["expected"]),
            f"{_number(row['in_destination']):,.0f} of {_number(row['expected']):,.0f}",
        )
        for row in tables[0].records()
    ]
    return bars("Records in Pipedrive", "Records in Pipedrive, of those expected there.", rows)


def _consent(tables: tuple[Table, ...]) -> Markup:
    found: dict[tuple[str, str], dict[str, float]] = {}
    for row in tables[1].records():
        for side, column in (("Alpine IQ", "source_persons"), ("Pipedrive", "destination_persons")):
            shares = found.setdefault((str(row["channel"]), side), {})
            shares[str(row["statement"])] = _number(row[column])
    rows = [
        Parts(
            f"{channel}, {side}",
            tuple((name.lower(), shares.get(name, 0.0)) for name in ("Yes", "Unknown", "No")),
            " / ".join(f"{shares.get(name, 0.0):,.0f}" for name in ("Yes", "Unknown", "No")),
        )
        for (channel, side), shares in sorted(found.items())
    ]
    return stacks(
        "Consent on both sides",
        "Persons who said Yes (left), Unknown (middle) and No (right), by channel on both sides. "
        "The upper and lower bar of a channel must look alike.",
        rows,
    )


def _rates(tables: tuple[Table, ...]) -> Markup:
    rows = [
        Bar(
            str(row["field"]),
            _number(row["in_pipedrive"]),
            1.0,
            f"{_number(row['in_pipedrive']):.1%}",
            mark=_number(row["in_alpine_iq"]),
        )
        for row in tables[0].records()
        if row["entity"] == "person"
    ]
    return bars(
        "Population of the fields of persons",
        "Share of persons with a value in Pipedrive. The line across a bar is the share in "
        "Alpine IQ: a bar that ends before its line lost values on the way.",
        rows,
    )


def _coverage(tables: tuple[Table, ...]) -> Markup:
    rows = [
        Bar(
            str(row["label"]),
            _number(row["members_on_both"]),
            _number(row["source_members"]),
            f"{_number(row['members_on_both']):,.0f} of {_number(row['source_members']):,.0f}",
        )
        for row in tables[0].records()
        if row["column_name"] == "audience_list__c"
    ]
    return bars("Members by audience", "Members who carry their audience in Pipedrive.", rows)


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
            (
                "Stores without their organization",
                "select * exclude (source_key) from reconciliation.rec_organizations_unmatched",
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
        _consent,
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
            (
                "Labels that failed",
                (
                    "select label, problem, what_to_do, count(*) as persons from "
                    "reconciliation.rec_labels_failed group by all order by persons desc, label"
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
        "Forty people drawn by lot over stores and kinds of risk, for human eyes: what Alpine IQ "
        "says above what Pipedrive holds. Values are masked; the link opens the person.",
        (("People to look at", SPOT_CHECK),),
    ),
    Spec(
        "to-do",
        "What a person has to do",
        "Worst first; remediation.csv has all lines. Links open the record in Pipedrive (a line or "
        "a note: its deal). Personal values are masked.",
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
