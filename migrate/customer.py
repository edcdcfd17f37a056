"""A repository for one customer: made from `examples/green_valley`, built on this project.

Raises `ConfigError` for a name that dbt can't use and for a folder that is there already.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from load.errors import ConfigError
from migrate.outcome import Outcome
from migrate.places import core_dir

if TYPE_CHECKING:
    from load.progress import Progress

EXAMPLE: Final = "green_valley"
NAME: Final = re.compile(r"[a-z][a-z0-9_]{1,40}")
CORE_IN_EXAMPLE: Final = "../.."
NOT_COPIED: Final = ("data", "target", "logs", "dbt_packages", ".env", "package-lock.yml")
PIN: Final = (
    "Pin the core: make it a git submodule at a release's tag and name its folder in packages.yml, "
    "Makefile and profiles/profiles.yml (docs/customers.md)."
)
SUBSTITUTED: Final = frozenset({".yml", ".md", ".sql", ""})


def make(_progress: Progress, name: str, *, parent: Path, core: str) -> Outcome:
    """`aiq2pd init`: the example under another name, with an address of the core."""
    if not NAME.fullmatch(name):
        raise ConfigError(f"{name}: a name of small letters, digits and _, such as {EXAMPLE}")
    folder = parent / name
    if folder.exists():
        raise ConfigError(f"{folder} is there already: choose another name or remove it")
    address = core or os.path.relpath(core_dir(), folder)
    source = core_dir() / "examples" / EXAMPLE
    shutil.copytree(source, folder, symlinks=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink() and file.suffix in SUBSTITUTED:
            text = file.read_text(encoding="utf-8")
            renamed = text.replace(EXAMPLE, name).replace(CORE_IN_EXAMPLE, address)
            file.write_text(renamed, encoding="utf-8")
    return Outcome(
        "init",
        f"{folder} is a repository for one customer",
        facts={"core": address},
        notes=(f"Next: cd {name} && git init && git add . && make env", PIN),
    )
