"""Both services as processes: up, status, down, and what stays."""

from __future__ import annotations

import os
import urllib.request

import pytest

from sandbox import process


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "sandbox"
    yield folder
    process.down(folder)


def test_up_starts_both_once_and_down_stops_them_and_keeps_the_state(folder):
    assert process.status(folder) is None
    info = process.up(folder, personas=40, seed=3, window_scale=60)
    assert process.up(folder, personas=99, seed=9) == info
    assert process.status(folder) == info
    environment = info.environment()
    request = urllib.request.Request(  # noqa: S310
        f"{environment['ALPINE_IQ_BASE_URL']}/api/v1.1/stores/{environment['ALPINE_IQ_UID']}",
        headers={"X-APIKEY": environment["ALPINE_IQ_API_KEY"]},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        assert answer.status == 200
    assert environment["PIPEDRIVE_BASE_URL"].startswith("http://127.0.0.1:")
    assert environment["AIQ2PD_WINDOW_SCALE"] == "60"
    for path in folder.iterdir():
        if path.name.startswith("sandbox.") or path.suffix in {".log", ".sqlite"}:
            assert path.stat().st_mode & 0o077 == 0, path.name
    process.down(folder)
    assert process.status(folder) is None
    for pid in info.pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    again = process.up(folder, personas=40, seed=3, window_scale=60)
    assert (again.uid, again.api_token) == (info.uid, info.api_token)


def test_a_half_dead_sandbox_counts_as_down_and_is_started_anew(folder):
    info = process.up(folder, personas=20, seed=3)
    os.kill(info.pids[0], 9)
    os.waitpid(info.pids[0], 0)
    assert process.status(folder) is None
    assert process.up(folder, personas=20, seed=3).pids[0] != info.pids[0]


def test_secrets_are_not_in_the_text_of_the_info(folder):
    info = process.up(folder, personas=20, seed=3)
    assert info.api_key not in repr(info)
    assert info.api_token not in repr(info)
