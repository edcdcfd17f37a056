"""Starting and stopping both simulated services as processes of their own.

    info = up(Path("data/sandbox"), personas=300, seed=7, window_scale=60)
    ...  # export info.environment()
    down(Path("data/sandbox"))

The processes outlive the caller. State, logs and `sandbox.json` lie in the folder, readable by
nobody else. Times are seconds. Raises `SandboxFailed` when a service does not come up.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

INFO_FILE: Final = "sandbox.json"
SETTLE_SECONDS: Final = (
    0.5  # after this long an accepted write is visible everywhere in the sandbox
)
_LOCK_FILE: Final = "sandbox.lock"
_ROOT: Final = Path(__file__).resolve().parents[1]
_LONGEST_START: Final = 3600.0  # a million personas take minutes
_LONGEST_STOP: Final = 20.0
_PAUSE: Final = 0.05


class SandboxFailed(RuntimeError):
    """A service ended before it was ready, or did not end when told to."""


@dataclass(frozen=True, slots=True)
class SandboxInfo:
    """How to reach a running sandbox. Its keys are made up and open nothing else."""

    alpine_iq_url: str
    uid: str
    api_key: str = field(repr=False)
    pipedrive_url: str
    api_token: str = field(repr=False)
    company_id: int
    company_domain: str
    plan: str
    seats: int
    window_scale: float
    pids: tuple[int, int]

    def environment(self) -> dict[str, str]:
        """Every variable that a command needs to work on this sandbox."""
        return {
            "ALPINE_IQ_BASE_URL": self.alpine_iq_url,
            "ALPINE_IQ_UID": self.uid,
            "ALPINE_IQ_API_KEY": self.api_key,
            "PIPEDRIVE_BASE_URL": self.pipedrive_url,
            "PIPEDRIVE_API_TOKEN": self.api_token,
            "PIPEDRIVE_PLAN": self.plan,
            "PIPEDRIVE_SEATS": str(self.seats),
            "AIQ2PD_WINDOW_SCALE": f"{self.window_scale:g}",
            "AIQ2PD_SETTLE_SECONDS": f"{SETTLE_SECONDS:g}",
            "AIQ2PD_LIST_LAG_SECONDS": f"{SETTLE_SECONDS:g}",
            "AIQ2PD_QUIET_SECONDS": f"{SETTLE_SECONDS:g}",
        }


def up(
    folder: Path,
    *,
    personas: int = 300,
    seed: int = 7,
    window_scale: float = 1.0,
    plan: str = "growth",
    seats: int = 5,
    told: Callable[[int], None] | None = None,
    facts: Path | None = None,
) -> SandboxInfo:
    """Starts both services on free loopback ports; a sandbox that runs is left as it is.

    A folder that holds a state serves that state, whatever `personas` and `seed` say. `told` hears
    once a second how many contacts a new account has so far. `facts`: probed facts of a real
    Pipedrive, which the local one then follows.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(folder):
        running = status(folder)
        if running is not None:
            return running
        down(folder)
        scale = ["--window-scale", f"{window_scale:g}", "--seed", str(seed)]
        alpine_iq = _start(folder, "alpine_iq", [*scale, "--personas", str(personas)])
        probed = [] if facts is None else ["--facts", str(facts.resolve())]
        pipedrive = _start(
            folder, "pipedrive", [*scale, "--plan", plan, "--seats", str(seats), *probed]
        )
        try:
            source, target = (
                _ready(folder, "alpine_iq", alpine_iq, told),
                _ready(folder, "pipedrive", pipedrive),
            )
        except BaseException:
            _stop(alpine_iq)
            _stop(pipedrive)
            raise
        info = SandboxInfo(
            alpine_iq_url=source["base_url"],
            uid=source["uid"],
            api_key=source["api_key"],
            pipedrive_url=target["base_url"],
            api_token=target["api_token"],
            company_id=target["company_id"],
            company_domain=target["company_domain"],
            plan=plan,
            seats=seats,
            window_scale=window_scale,
            pids=(alpine_iq, pipedrive),
        )
        _write_private(folder / INFO_FILE, json.dumps(asdict(info), indent=1).encode())
        return info


def status(folder: Path) -> SandboxInfo | None:
    """The running sandbox of a folder; None when either of its services does not answer."""
    info = _kept(folder)
    if info is None:
        return None
    urls = (info.alpine_iq_url, info.pipedrive_url)
    alive = all(_runs(pid) and _answers(url) for pid, url in zip(info.pids, urls, strict=True))
    return info if alive else None


def down(folder: Path) -> None:
    """Stops what still runs of a folder's sandbox; its state stays."""
    info = _kept(folder)
    if info is None:
        return
    for pid, url in zip(info.pids, (info.alpine_iq_url, info.pipedrive_url), strict=True):
        # a number of a process that has ended may be somebody else's by now
        if _runs(pid) and _answers(url):
            _stop(pid)
    (folder / INFO_FILE).unlink(missing_ok=True)


def _kept(folder: Path) -> SandboxInfo | None:
    try:
        found = json.loads((folder / INFO_FILE).read_text(encoding="utf-8"))
        return SandboxInfo(**{**found, "pids": tuple(found["pids"])})
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _start(folder: Path, name: str, arguments: list[str]) -> int:
    """The id of the new process, which leads a session of its own and so outlives ours."""
    state = folder / f"{name}.sqlite"
    module = ["-P", "-m", f"sandbox.{name}", "--state", str(state.resolve())]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    with _private(folder / f"{name}.ready") as out, _private(folder / f"{name}.log") as log:
        return os.posix_spawn(
            sys.executable,
            [sys.executable, *module, *arguments],
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, out, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
        )


def _ready(
    folder: Path, name: str, pid: int, told: Callable[[int], None] | None = None
) -> dict[str, Any]:
    """The line that a service prints once it listens."""
    until = time.monotonic() + _LONGEST_START
    ready, tells_at = folder / f"{name}.ready", time.monotonic() + 1.0
    while time.monotonic() < until:
        if told is not None and time.monotonic() >= tells_at:
            told(_contacts(folder / f"{name}.sqlite"))
            tells_at = time.monotonic() + 1.0
        line = ready.read_bytes()
        if line.endswith(b"\n"):
            about: dict[str, Any] = json.loads(line)
            return about
        if not _runs(pid):
            break
        time.sleep(_PAUSE)
    raise SandboxFailed(f"sandbox {name} did not start; see {name}.log in the sandbox's folder")


def _contacts(state: Path) -> int:
    """How many contacts a state that is being filled has; its numbers run from 1 without a gap."""
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as db,
    ):
        return int(db.execute("select max(seq) from contacts").fetchone()[0] or 0)
    return 0


def _runs(pid: int) -> bool:
    with suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", "/_sandbox/clock")
        connection.getresponse().read()
    except OSError:
        return False
    else:
        return True
    finally:
        connection.close()


def _stop(pid: int) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, sign)
        until = time.monotonic() + _LONGEST_STOP
        while time.monotonic() < until:
            if not _runs(pid):
                return
            time.sleep(_PAUSE)
    raise SandboxFailed(f"sandbox process {pid} did not end")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One `up` of a folder at a time."""
    with _private(folder / _LOCK_FILE) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _private(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write_private(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    with _private(fresh) as descriptor:
        os.write(descriptor, content)
    fresh.replace(path)
