"""A PostgreSQL of the tests' own: a folder, a free loopback port, an unprivileged user.

Where Debian's `postgresql` is not installed the tests are skipped by name; in CI that is a failure.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

USER = "postgres"
PROGRAMS = ("initdb", "pg_ctl", "createdb")


def binaries() -> Path | None:
    """Where initdb and pg_ctl are: on the path, or where Debian puts them."""
    found = shutil.which("pg_ctl")
    places = [Path(found).parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    complete = (p for p in places if all((p / program).is_file() for program in PROGRAMS))
    return next(complete, None)


@pytest.fixture(scope="session")
def catalog() -> Iterator[str]:
    """The address of an empty database."""
    place = binaries()
    if place is None:
        missing = "PostgreSQL is not installed: apt-get install postgresql"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    folder = Path(tempfile.mkdtemp(prefix="aiq2pd-postgresql-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    as_user = _as_unprivileged(folder)

    def run(program: str, *arguments: str) -> None:
        command = [*as_user, str(place / program), *arguments]
        # the server keeps what it inherits: a pipe would never end
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)

    options = f"-p {port} -h 127.0.0.1 -k {folder} -F"
    log, cluster = str(folder / "log"), str(folder / "db")
    run("initdb", "-D", cluster, "-A", "trust", "-U", "lake", "--no-sync", "-E", "UTF8")
    run("pg_ctl", "-D", cluster, "-w", "-l", log, "-o", options, "start")
    try:
        run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "lake", "aiq2pd")
        yield f"postgresql://lake@127.0.0.1:{port}/aiq2pd"
    finally:
        run("pg_ctl", "-D", cluster, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _as_unprivileged(folder: Path) -> list[str]:
    """PostgreSQL refuses root; others run it as themselves."""
    if os.getuid() != 0:
        return []
    user = pwd.getpwnam(USER)
    os.chown(folder, user.pw_uid, user.pw_gid)
    return [
        "setpriv",
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
    ]
