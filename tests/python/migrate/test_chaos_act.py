"""The demo's chaos act on an account of its own: killed, resumed, checked, undone, compared."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from load.errors import InvariantBroken
from load.progress import Silent
from migrate import account, chaos_act
from migrate.demo import PHASES
from sandbox import door, process

LOADED = ("extract", "build", "plan", "apply", "sweep")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Settings and services after a load that nobody disturbed."""
    folder = tmp_path_factory.mktemp("chaos") / "data"
    info = process.up(folder / "sandbox", personas=40, seed=7, window_scale=600)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AIQ2PD_DATA_DIR", str(folder))
            patch.setenv("AIQ2PD_ENV_FILE", str(folder / "no.env"))
            patch.setenv("AIQ2PD_ACCOUNT_FILE", str(folder / "no.toml"))
            settings = account.on_sandbox(info)
            chaos_act.remember_beginning(info)
            for name, phase in PHASES:
                if name in LOADED:
                    phase(settings, Silent())
            yield settings, info
    finally:
        process.down(folder / "sandbox")


def played(settings, info, seed):
    times: list[tuple[str, str, float]] = []
    (table,) = chaos_act.play(settings, info, seed=seed, say=lambda _: None, times=times)
    assert [name for name, _, _ in times] == ["chaos act"]
    return {row["step"]: row["result"] for row in table.records()}


@pytest.mark.long
@pytest.mark.parametrize("seed", [7, 8])
def test_a_load_killed_at_a_random_moment_ends_well_and_its_undo_leaves_nothing(loaded, seed):
    settings, info = loaded
    before = door.get_text(info.pipedrive_url, "dump")
    steps = played(settings, info, seed)
    assert f"drawn from seed {seed}" in steps["kill -9 while loading"]
    assert steps["against the load that nobody killed"] == "no difference"
    assert steps["independent checker"].startswith("0 violations; examined ")
    assert steps["against Pipedrive before the load"] == "no difference"
    assert door.get_text(info.pipedrive_url, "dump") == before
    with closing(sqlite3.connect(settings.data_dir / chaos_act.FOLDER / "ledger.sqlite")) as ledger:
        kinds = [kind for (kind,) in ledger.execute("select kind from runs order by started_at")]
    assert [kind for kind in kinds if kind != "preflight"] == ["apply", "apply", "undo"]


@pytest.mark.long
def test_an_act_whose_load_ends_otherwise_says_so_and_leaves_the_account_as_it_was(
    loaded, monkeypatch
):
    settings, info = loaded
    before = door.get_text(info.pipedrive_url, "dump")
    command = chaos_act._Act._command

    def one_is_lost(act, *words):
        said = command(act, *words)
        lines = door.get_text(info.pipedrive_url, "records").splitlines()
        held = [one for one in map(json.loads, lines) if one["entity"] == "note"]
        note = next(one["id"] for one in held if not one["deleted"])
        door.post(info.pipedrive_url, "edit", {"action": "delete", "entity": "note", "id": note})
        return said

    monkeypatch.setattr(chaos_act._Act, "_command", one_is_lost)
    with pytest.raises(InvariantBroken, match="differs"):
        played(settings, info, 9)
    assert door.get_text(info.pipedrive_url, "dump") == before
