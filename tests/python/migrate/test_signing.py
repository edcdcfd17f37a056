"""Beyond a sample, nothing is written until somebody signed the mapping and its scope."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from migrate.signing import SIGN_OFFS, hashes, sign_off

REAL = "https://company.pipedrive.com"
SIGNED = {"signed_mapping": "aaaa", "signed_scope": "bbbb"}


def settings(url: str = REAL, strategy: str = "all_deals"):
    return SimpleNamespace(pipedrive_base_url=url, alpine_iq_uid="1", order_strategy=strategy)


def plan(**manifest: str):
    return SimpleNamespace(manifest=manifest)


def signed(folder: Path, *lines: str) -> Path:
    file = folder / SIGN_OFFS
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(["mapping_hash,scope_hash,signed_by,signed_at", *lines]) + "\n")
    return folder


def test_a_plan_is_red_until_its_mapping_and_its_scope_are_signed_with_a_name_and_a_day(tmp_path):
    for lines in (
        (),
        ("aaaa,other,Jo,2026-11-01",),
        ("aaaa,bbbb,,2026-11-01",),
        ("aaaa,bbbb,Jo,",),
    ):
        gate = sign_off(settings(), plan(**SIGNED), root=signed(tmp_path, *lines))
        assert (gate.name, gate.state) == ("sign_off", "red")
        assert "--sample" in gate.why
        assert "aaaa,bbbb,NAME,DATE" in gate.why
    gate = sign_off(settings(), plan(**SIGNED), root=signed(tmp_path, "aaaa,bbbb,Jo,2026-11-01"))
    assert (gate.state, gate.why) == ("green", "Jo, 2026-11-01")


def test_a_plan_without_hashes_is_red(tmp_path):
    root = signed(tmp_path, "aaaa,bbbb,Jo,2026-11-01")
    assert sign_off(settings(), plan(), root=root).state == "red"


def test_on_the_sandbox_the_sign_off_is_waived_by_name(tmp_path):
    assert sign_off(settings("http://127.0.0.1:8000"), plan(), root=tmp_path).state == "waived"


def test_another_company_or_order_strategy_is_another_scope_of_the_same_mapping():
    one = hashes(settings(), 1)
    assert hashes(settings(), 1) == one
    assert hashes(settings(), 2)["signed_scope"] != one["signed_scope"]
    assert hashes(settings(strategy="recent_deals"), 1)["signed_scope"] != one["signed_scope"]
    assert hashes(settings(), 2)["signed_mapping"] == one["signed_mapping"]
