"""The pages that say what the sandbox does name tests that exist."""

from __future__ import annotations

import re
from fnmatch import fnmatch

import pytest

LEAST = 30


@pytest.mark.parametrize("page", ["sandbox-pipedrive.md", "sandbox-alpine-iq.md"])
def test_each_test_that_a_page_names_exists(request, page):
    root = request.config.rootpath
    folder = root / "tests" / "python" / "sandbox"
    files = list(folder.rglob("test_*.py"))
    known = {path.stem for path in files}
    for path in files:
        known |= set(re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M))
    named = re.findall(r"`(test_[\w.]+)`", (root / "docs" / page).read_text(encoding="utf-8"))
    assert len(named) > LEAST
    missing = [
        name for name in named if not any(fnmatch(each, name.replace("...", "*")) for each in known)
    ]
    assert missing == []
