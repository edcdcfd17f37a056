"""What all schedules of one process share: frozen plans and ready-made accounts, in a temp folder.

The folder lies on a RAM disk where there is one. The account holds one person from before, whom
the first plan adopts, and one that nobody planned.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sandbox.pipedrive.app import PipedriveSandbox
from simulation.timeline import ServerClock, Timeline
from simulation.worlds import World, make_world

RAM_DISK: Final = Path("/dev/shm")  # noqa: S108 - private folders inside, made by mkdtemp


@dataclass(slots=True)
class Stage:
    """Templates by world, made when first asked for. Close it to remove the folder."""

    folder: Path
    worlds: dict[str, World] = field(default_factory=dict)
    adopted_id: int = 0
    clean_lines: dict[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def open(cls) -> Stage:
        place = RAM_DISK if RAM_DISK.is_dir() else None
        stage = cls(Path(tempfile.mkdtemp(prefix="simulation-", dir=place)))
        stage._make_template()
        return stage

    @property
    def template(self) -> Path:
        return self.folder / "template.sqlite"

    def world(self, name: str) -> World:
        if name not in self.worlds:
            self.worlds[name] = make_world(name, self.folder, self.adopted_id)
        return self.worlds[name]

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_template(self) -> None:
        sandbox = PipedriveSandbox(self.template, ServerClock(Timeline()))
        for name in ("Known Before", "Never Planned"):
            made = sandbox.admin.act(
                {"action": "create", "entity": "person", "changes": {"name": name}}
            )
            self.adopted_id = self.adopted_id or made["id"]
        sandbox.close()
