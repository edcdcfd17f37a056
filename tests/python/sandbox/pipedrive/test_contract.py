"""The sandbox against Pipedrive's own OpenAPI files, where they are at hand.

Set AIQ2PD_CONTRACTS_DIR to the folder that holds them; without it these tests skip by name.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sandbox.core import Request
from sandbox.pipedrive.catalog import load_catalog
from sandbox.pipedrive.contract import KNOWN_REFUSALS, Contract
from sandbox.pipedrive.routes import ROUTES

FOLDER = Path(os.environ.get("AIQ2PD_CONTRACTS_DIR", "../shared/contracts"))
CALLED = sorted(key for key in ROUTES if not key[1].endswith(("/download", "/picture")))
EXAMPLES = int(os.environ.get("AIQ2PD_CONTRACT_EXAMPLES", "12"))

pytestmark = pytest.mark.skipif(
    not (FOLDER / "pipedrive-v2-openapi.yml").exists(),
    reason="Pipedrive's OpenAPI files are not here; set AIQ2PD_CONTRACTS_DIR to check against them",
)


@pytest.fixture(scope="module")
def contract():
    return Contract.load(FOLDER)


def documented(contract, method, path):
    version = 1 if "/v1/" in path else 2
    paths = contract.document(version)["paths"]
    return paths.get(path.removeprefix(f"/api/v{version}"), {}).get(method.lower())


def test_every_emulated_endpoint_is_documented_with_the_cost_that_is_charged(contract):
    costs = {(entry.method, entry.path): entry.cost for entry in load_catalog().endpoints}
    checked = 0
    for method, path in ROUTES:
        operation = documented(contract, method, path)
        assert operation is not None, (method, path)
        assert operation["x-token-cost"] == costs[method, path], (method, path)
        checked += 1
    assert checked > 130


def walk_through(pipedrive):
    """One call of about every emulated endpoint, good and bad ones."""
    data, call = pipedrive.data, pipedrive.call
    field = pipedrive.field(kind="set", options=[{"label": "A"}, {"label": "B"}])
    option = field["options"][0]["id"]
    for kind in ("monetary", "address", "daterange", "time", "timerange"):
        pipedrive.field("deal", kind)
    store = pipedrive.organization(
        address={"value": "1 Main St", "country": "US"}, label_ids=[], website="https://x.example"
    )
    person = pipedrive.person(
        org_id=store,
        emails=[{"value": "a@example.com", "primary": True, "label": "work"}],
        custom_fields={field["field_code"]: [option]},
    )
    deal = pipedrive.deal(person_id=person, org_id=store, value=5.5)
    won = pipedrive.deal(status="won", won_time="2024-01-01T00:00:00Z", is_archived=True)
    product = pipedrive.product(code="S", prices=[{"price": 1, "currency": "USD"}])
    line = {"product_id": product, "item_price": 1.5, "quantity": 2}
    attached = data("POST", f"/api/v2/deals/{deal}/products", line)["id"]
    data("POST", f"/api/v2/deals/{deal}/products/bulk", {"data": [line, line]})
    data("PATCH", f"/api/v2/deals/{deal}/products/{attached}", {"quantity": 3})
    discount = {"description": "d", "amount": 1, "type": "amount"}
    made = data("POST", f"/api/v2/deals/{deal}/discounts", discount)["id"]
    data("PATCH", f"/api/v2/deals/{deal}/discounts/{made}", {"amount": 2})
    note = data("POST", "/api/v1/notes", {"content": "<p>x</p>", "deal_id": deal})["id"]
    comment = data("POST", f"/api/v1/notes/{note}/comments", {"content": "y"})["uuid"]
    activity = data("POST", "/api/v2/activities", {"subject": "A"})["id"]
    pipedrive.advance(5)
    user = data("GET", "/api/v1/users/me")["id"]
    pipeline = data("POST", "/api/v2/pipelines", {"name": "P"})["id"]
    stage = data("POST", "/api/v2/stages", {"name": "S", "pipeline_id": pipeline})["id"]
    code = field["field_code"]
    reads = [
        "/api/v2/persons", f"/api/v2/persons/{person}", "/api/v2/organizations",
        f"/api/v2/organizations/{store}", "/api/v2/deals", f"/api/v2/deals/{deal}",
        "/api/v2/deals/archived", f"/api/v2/deals/{won}", "/api/v2/products",
        f"/api/v2/products/{product}", f"/api/v2/deals/{deal}/products",
        f"/api/v2/deals/{deal}/discounts", "/api/v2/personFields", f"/api/v2/personFields/{code}",
        "/api/v2/organizationFields", "/api/v2/dealFields", "/api/v2/productFields",
        "/api/v2/activityFields", "/api/v2/pipelines", "/api/v2/stages",
        f"/api/v2/pipelines/{pipeline}", f"/api/v2/stages/{stage}", "/api/v2/activities",
        f"/api/v2/activities/{activity}", "/api/v1/notes", f"/api/v1/notes/{note}",
        f"/api/v1/notes/{note}/comments", f"/api/v1/notes/{note}/comments/{comment}",
        "/api/v1/users", f"/api/v1/users/{user}", "/api/v1/currencies", "/api/v1/activityTypes",
        "/api/v1/files", "/api/v1/webhooks", "/api/v1/personFields", "/api/v1/dealFields",
        "/api/v1/organizationFields", "/api/v1/productFields", "/api/v2/persons/999999",
        f"/api/v2/persons/{person}/followers",
    ]  # fmt: skip
    for path in reads:
        call("GET", path)
    call("GET", "/api/v2/deals/products", deal_ids=deal)
    for path in ("persons", "organizations", "deals", "products"):
        call("GET", f"/api/v2/{path}/search", term="maya ortiz")
    for term in ("store", "order", "blue"):
        call("GET", "/api/v2/itemSearch", term=term)
    call("GET", "/api/v2/persons", include_option_labels="true", include_labels="true")
    call("POST", f"/api/v2/persons/{person}/followers", {"user_id": user})
    call("POST", f"/api/v2/products/{product}/duplicate")
    call("PATCH", f"/api/v2/personFields/{code}", {"field_name": "Renamed"})
    path = f"/api/v2/personFields/{code}/options"
    added = data("POST", path, [{"label": "C"}])
    call("PATCH", path, [{"id": added[0]["id"], "label": "D"}])
    call("DELETE", path, [{"id": added[0]["id"]}])
    for path in ("deals", "persons", "organizations"):
        number = {"deals": deal, "persons": person, "organizations": store}[path]
        other = data("POST", f"/api/v2/{path}", {"title" if path == "deals" else "name": "B"})
        call("PUT", f"/api/v1/{path}/{other['id']}/merge", {"merge_with_id": number})
    hook = {"subscription_url": "https://x.example", "name": "h"}
    call("POST", "/api/v1/webhooks", {**hook, "event_action": "*", "event_object": "*"})
    call("POST", "/api/v1/webhooks", hook)
    call("POST", "/api/v1/activityTypes", {"name": "Dance", "icon_key": "bell"})
    call("POST", "/api/v1/personFields", {"name": "Old way", "field_type": "varchar"})
    call("POST", "/api/v2/persons", {"name": 5})
    for path in (
        f"/api/v2/deals/{deal}/products/{attached}", f"/api/v2/deals/{deal}/discounts/{made}",
        f"/api/v2/deals/{deal}/products", f"/api/v1/notes/{note}/comments/{comment}",
        f"/api/v1/notes/{note}", f"/api/v2/activities/{activity}", f"/api/v2/deals/{deal}",
        f"/api/v2/persons/{person}", f"/api/v2/organizations/{store}",
        f"/api/v2/products/{product}", f"/api/v2/personFields/{code}", f"/api/v2/stages/{stage}",
        f"/api/v2/pipelines/{pipeline}", "/api/v1/webhooks/1",
    ):  # fmt: skip
        call("DELETE", path)


def test_a_walk_through_the_endpoints_violates_nothing(pipedrive, contract):
    pipedrive.config(record_exchanges=True, daily_budget=10**9)
    walk_through(pipedrive)
    exchanges = pipedrive.door("GET", "exchanges")["exchanges"]
    verdict = contract.check(exchanges)
    assert verdict.violations == []
    assert verdict.checked == len(exchanges) > 100


def test_a_wrong_reply_would_be_noticed(pipedrive, contract):
    pipedrive.config(record_exchanges=True)
    pipedrive.person()
    exchange = pipedrive.door("GET", "exchanges")["exchanges"][0]
    body = json.loads(exchange["reply"])
    body["data"]["owner_id"] = "7"
    spoiled = {**exchange, "reply": json.dumps(body)}
    assert len(contract.check([spoiled]).violations) == 1
    assert len(contract.check([{**exchange, "status": 218}]).violations) == 1


@pytest.fixture(scope="module")
def operations(contract):
    import schemathesis

    found = {}
    for version in (1, 2):
        schema = schemathesis.openapi.from_dict(contract.document(version))
        for result in schema.get_all_operations():
            operation = result.ok()
            found[operation.method.upper(), f"/api/v{version}{operation.path}"] = operation
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("method", "path"), CALLED)
def test_generated_calls_get_documented_answers(make, contract, operations, method, path):
    from hypothesis import HealthCheck, given, settings

    pipedrive = make()
    pipedrive.config(daily_budget=10**9)
    endpoint = next(e for e in load_catalog().endpoints if (e.method, e.path) == (method, path))
    seen = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operations[method, path].as_strategy())
    def call(case):
        nonlocal seen
        values = {name: str(value) for name, value in (case.path_parameters or {}).items()}
        place = path.format(**values) if "{" in path else path
        body = json.dumps(case.body).encode() if isinstance(case.body, dict | list) else b""
        reply = pipedrive.sandbox.handle(
            Request(
                method,
                place,
                [(name, shown(value)) for name, value in (case.query or {}).items()],
                {"x-api-token": pipedrive.sandbox.account.token},
                body,
            )
        )
        seen += 1
        assert reply.status < 500, reply.body
        assert reply.status < 300 or reply.status in KNOWN_REFUSALS
        kind = reply.headers["content-type"]
        problems = contract.response_problems(endpoint, reply.status, kind, reply.body.decode())
        assert problems == []

    call()
    assert seen > 0


def shown(value):
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
