"""Which accounts a command works on: those of the settings, or the local sandbox.

The sandbox is used when it is asked for, or when it runs and nobody set any credential at all; a
half-configured real account is never replaced by it in silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from load.errors import ConfigError
from migrate import places, settings

if TYPE_CHECKING:
    from sandbox.process import SandboxInfo

GIVEN_BY_A_PERSON = (
    "ALPINE_IQ_UID",
    "ALPINE_IQ_API_KEY",
    "PIPEDRIVE_BASE_URL",
    "PIPEDRIVE_API_TOKEN",
)


def in_force(*, force_sandbox: bool = False) -> settings.Settings:
    """The settings that a command goes by."""
    own = settings.read()
    credentials_given = len(own.missing(GIVEN_BY_A_PERSON)) < len(GIVEN_BY_A_PERSON)
    if credentials_given and not force_sandbox:
        return own
    info = running_sandbox()
    if info is not None:
        return on_sandbox(info)
    if force_sandbox:
        raise ConfigError("no sandbox is running: start it with `aiq2pd sandbox up`")
    return own


def on_sandbox(info: SandboxInfo) -> settings.Settings:
    """The settings of a running sandbox; its variables win over everybody's."""
    return settings.read(info.environment())


def running_sandbox() -> SandboxInfo | None:
    """The sandbox below the data folder, if its servers run."""
    folder = places.here().sandbox
    if not (folder / "sandbox.json").is_file():
        return None
    from sandbox import process

    return process.status(folder)
