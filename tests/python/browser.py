"""A real browser without a network, for the tests of pages.

Debian's chromium, found by `AIQ2PD_CHROMIUM` or on the path. Without one, tests are skipped by
name; where CI is set they fail, because there it must be installed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def browser() -> Iterator[Any]:
    """The running browser."""
    path = os.environ.get("AIQ2PD_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        reason = "no chromium: install Debian's package chromium, or set AIQ2PD_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield running
        running.close()


@contextmanager
def page_of(running: Any, file: Path, *, width: int = 1280, scheme: str = "light") -> Iterator[Any]:
    """A file as a page, offline; it fails the test if the page asks for anything else."""
    context = running.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True, bypass_csp=True
    )
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    yield page
    context.close()
    assert asked == [file.as_uri()]


def violations(page: Any) -> list[str]:
    """What axe finds that hinders people, as rule and first place."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{each['id']} ({each['impact']}): {each['nodes'][0]['target']}" for each in found]
