"""Costs are those of Pipedrive's own API description; endpoints' names hold nothing of a record."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from load.costs import COSTS, cheapest_line_calls, endpoint_name, token_cost
from load.errors import InvariantBroken

CONTRACTS = Path(os.environ.get("AIQ2PD_CONTRACTS_DIR", "../shared/contracts"))
PATH_LINE = re.compile(r"  ['\"]?(/[^'\":]*)['\"]?:\s*$")
METHOD_LINE = re.compile(r"    (get|post|put|patch|delete):\s*$")
COST_LINE = re.compile(r"      x-token-cost: (\d+)\s*$")
PLACE = re.compile(r"\{[^}]*\}")
CODED = re.compile(r"Fields/\{id\}")


def described_costs() -> dict[str, int]:
    """`x-token-cost` of every operation of both versions, under our names.

    Read line by line: a YAML parser needs half a minute for these files.
    """
    found: dict[str, int] = {}
    for version in ("v1", "v2"):
        file = CONTRACTS / f"pipedrive-{version}-openapi.yml"
        if not file.is_file():
            pytest.skip(f"Pipedrive's API description is not at hand ({file.name})")
        path = method = ""
        for line in file.read_text(encoding="utf-8").splitlines():
            if match := PATH_LINE.match(line):
                path = match[1]
            elif match := METHOD_LINE.match(line):
                method = match[1].upper()
            elif match := COST_LINE.match(line):
                name = PLACE.sub("{id}", f"{method} /api/{version}{path}")
                found[CODED.sub("Fields/{code}", name) if version == "v2" else name] = int(match[1])
    return found


def test_every_cost_is_the_one_that_pipedrive_describes():
    described = described_costs()
    assert len(described) > 200
    assert {name: described.get(name) for name in COSTS} == COSTS


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("post", "/api/v2/persons", "POST /api/v2/persons"),
        ("PATCH", "/api/v2/persons/81", "PATCH /api/v2/persons/{id}"),
        (
            "PATCH",
            "/api/v2/deals/5/products/77",
            "PATCH /api/v2/deals/{id}/products/{id}",
        ),
        ("GET", "/api/v2/deals/products", "GET /api/v2/deals/products"),
        ("GET", f"/api/v2/personFields/{'ab' * 20}", "GET /api/v2/personFields/{code}"),
        (
            "POST",
            "/api/v2/personFields/label_ids/options",
            "POST /api/v2/personFields/{code}/options",
        ),
        ("PUT", "/api/v1/personFields/9071", "PUT /api/v1/personFields/{id}"),
    ],
)
def test_an_endpoint_is_named_without_the_record(method, path, name):
    assert endpoint_name(method, path) == name
    assert name in COSTS


def test_an_endpoint_that_nobody_uses_has_no_cost():
    with pytest.raises(InvariantBroken, match="merge"):
        token_cost("PUT /api/v1/persons/{id}/merge")


def test_lines_never_cost_more_than_any_other_split_of_calls():
    for lines in range(1, 320):
        bulk, single = cheapest_line_calls(lines)
        assert bulk * 100 + single >= lines
        cheapest = min(
            25 * calls + 5 * max(0, lines - 100 * calls) for calls in range(lines // 100 + 2)
        )
        assert 25 * bulk + 5 * single == cheapest
