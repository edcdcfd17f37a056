"""The whole migration where no network can be reached: what needs nobody can tell nobody.

The demo, with both services on loopback, runs in a network namespace that has no other interface:
extraction, dbt, load, verification, report, documents. Where this machine lets nobody make a
namespace, the test is skipped by name.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# brings the loopback interface up, as `ip link set lo up` would, then becomes the command
_UP = (
    "import fcntl, os, socket, struct, sys; "
    "s = socket.socket(); "
    "fcntl.ioctl(s, 0x8914, struct.pack('16sh22x', b'lo', 0x1 | 0x40)); "
    "s.close(); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
_ELSEWHERE = "import socket; socket.create_connection(('192.0.2.1', 443), 2)"


def alone(*command: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["unshare", "--net", sys.executable, "-c", _UP, *command],
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def may_be_alone() -> bool:
    try:
        return alone("-c", "pass").returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.long
@pytest.mark.skipif(not may_be_alone(), reason="this machine lets nobody make a network namespace")
def test_a_whole_migration_needs_no_network_but_the_two_services(tmp_path):
    unreachable = alone("-c", _ELSEWHERE)
    assert "unreachable" in unreachable.stderr
    done = alone(
        *("-c", "from migrate.cli import main; main()"),
        *("demo", "--personas", "40", "--acts", "1"),
        env={"AIQ2PD_DATA_DIR": str(tmp_path / "data")},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "data" / "report").is_dir()
