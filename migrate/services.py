"""One reading call on each side: who are we talking to, and do they let us in?"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from migrate.settings import Settings


def ask_alpine_iq(settings: Settings) -> str:
    """Ask for the stores, once, within the limits that an extraction keeps."""
    from extract.alpine_iq.client import AlpineIQClient
    from extract.alpine_iq.limiter import CallLimiter
    from extract.alpine_iq.settings import STORES, WINDOWS

    account = settings.alpine_iq()
    limiter = CallLimiter(
        settings.data_dir / "alpine_iq_calls.sqlite",
        account.uid,
        WINDOWS,
        scale=account.window_scale,
        now=time.time,
        sleep=time.sleep,
    )
    client = AlpineIQClient(account, limiter, "doctor")
    try:
        answer = client.read(STORES, client.request_text(STORES, {}, {}), attempts=1)
    finally:
        client.close()
        limiter.close()
    return "ok" if answer.status == 200 else f"HTTP {answer.status}"


def ask_pipedrive(settings: Settings) -> str:
    """Ask whose token it is."""
    from load.ledger import Ledger
    from migrate.loading import company
    from migrate.places import refuse_if_sealed

    refuse_if_sealed(settings.places)
    with Ledger.open(settings.places.ledger, None) as ledger:
        found = asyncio.run(company(settings.pipedrive(), ledger))
    return f"ok: {found.company_domain} ({found.company_id})"
