"""Who we are, and what the account has: users, pipelines, stages, webhooks.

In the API reference: Users, Pipelines, Stages, Webhooks. Plan, seats, caps and
automations can't be read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from load.api.calls import Body, Caller, Record, call, many, one
from load.api.paging import PAGE, Page, page_of, pages_v2


async def whoami(caller: Caller) -> Record:
    """`GET /api/v1/users/me`, 2 tokens: company id and domain, rights, currency."""
    return one(await call(caller, "GET /api/v1/users/me", entity="account"))


async def list_users(caller: Caller) -> Page:
    """`GET /api/v1/users`, 20 tokens; all in one answer."""
    endpoint = "GET /api/v1/users"
    answer = await call(caller, endpoint, entity="user")
    return page_of(answer, endpoint, {})


async def list_pipelines(caller: Caller) -> AsyncIterator[Page]:
    """`GET /api/v2/pipelines`, 5 tokens a page."""
    endpoint = "GET /api/v2/pipelines"
    async for page in pages_v2(caller, endpoint, params={"limit": PAGE}, entity="pipeline"):
        yield page


async def add_pipeline(caller: Caller, body: Body) -> Record:
    """`POST /api/v2/pipelines`, 5 tokens. Names are not unique."""
    return one(await call(caller, "POST /api/v2/pipelines", json=dict(body), entity="pipeline"))


async def list_stages(caller: Caller) -> AsyncIterator[Page]:
    """`GET /api/v2/stages`, 5 tokens a page; of all pipelines."""
    endpoint = "GET /api/v2/stages"
    async for page in pages_v2(caller, endpoint, params={"limit": PAGE}, entity="stage"):
        yield page


async def add_stage(caller: Caller, body: Body) -> Record:
    """`POST /api/v2/stages`, 5 tokens."""
    return one(await call(caller, "POST /api/v2/stages", json=dict(body), entity="stage"))


async def list_webhooks(caller: Caller) -> list[Record]:
    """`GET /api/v1/webhooks`, 10 tokens: each fires on our writes too."""
    return many(await call(caller, "GET /api/v1/webhooks", entity="account"))
