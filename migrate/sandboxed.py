"""The sandbox as commands see it: start, stop, look, generate anew."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

from load.errors import ConfigError
from migrate import places, settings
from migrate.account import running_sandbox
from migrate.outcome import Outcome, Table
from migrate.probing import FACTS

if TYPE_CHECKING:
    from load.progress import Progress
    from sandbox.process import SandboxInfo

WINDOW_SCALE = 60.0


def bring_up(
    *,
    personas: int,
    seed: int,
    scale: float = WINDOW_SCALE,
    told: Callable[[int], None] | None = None,
) -> SandboxInfo:
    """Both servers, running; on the state that exists, else on a newly generated one."""
    from sandbox import process

    own = settings.read()
    folder = places.here().prepare().sandbox
    try:
        return process.up(
            folder,
            personas=personas,
            seed=seed,
            window_scale=scale,
            plan=own.pipedrive_plan,
            seats=own.pipedrive_seats,
            told=told,
            facts=places.project_dir() / FACTS,
        )
    except process.SandboxFailed as error:
        raise ConfigError(f"{error} ({places.here().shown(folder)})") from error


def start(progress: Progress, *, personas: int, seed: int, scale: float) -> Outcome:
    """`aiq2pd sandbox up`."""
    progress.start("sandbox", None)
    info = bring_up(personas=personas, seed=seed, scale=scale)
    progress.finish("sandbox")
    return _outcome("sandbox up", info)


def stop(_progress: Progress) -> Outcome:
    """`aiq2pd sandbox down`."""
    from sandbox import process

    folder = places.here().sandbox
    if running_sandbox() is None:
        return Outcome("sandbox down", "no sandbox is running")
    process.down(folder)
    return Outcome("sandbox down", f"stopped; its state stays in {places.here().shown(folder)}")


def look(_progress: Progress) -> Outcome:
    """`aiq2pd sandbox status`."""
    info = running_sandbox()
    if info is None:
        return Outcome("sandbox status", "no sandbox is running: `aiq2pd sandbox up` starts it")
    return _outcome("sandbox status", info)


def generate_anew(progress: Progress, *, personas: int, seed: int) -> Outcome:
    """`aiq2pd sandbox generate`."""
    if running_sandbox() is not None:
        raise ConfigError("the sandbox is running: stop it first (`aiq2pd sandbox down`)")
    folder = places.here().sandbox
    shutil.rmtree(folder, ignore_errors=True)
    progress.start("generate", personas)
    done = 0

    def told(contacts: int) -> None:
        nonlocal done
        now = min(contacts, personas)  # one person may come as two contacts
        progress.advance("generate", now - done)
        done = now

    bring_up(personas=personas, seed=seed, told=told)
    from sandbox import process

    process.down(folder)
    progress.finish("generate")
    return Outcome(
        "sandbox generate",
        f"a new account of {personas} personas (seed {seed}) lies in {places.here().shown(folder)}",
        notes=("`aiq2pd sandbox up` serves it",),
    )


def _outcome(command: str, info: SandboxInfo) -> Outcome:
    """The keys are made up and open nothing but these servers, so they may be shown."""
    variables = tuple(sorted(info.environment().items()))
    return Outcome(
        command,
        "the sandbox is running",
        facts={"Alpine IQ": info.alpine_iq_url, "Pipedrive": info.pipedrive_url},
        tables=(Table("Variables for using it from elsewhere", ("variable", "value"), variables),),
        notes=("Without credentials of your own, every aiq2pd command uses it by itself.",),
    )
