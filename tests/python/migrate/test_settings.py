"""Settings: who wins, what is refused, what a message says."""

from __future__ import annotations

import pytest

from load.errors import ConfigError
from migrate import settings
from migrate.settings import CREDENTIALS

REAL = {
    "ALPINE_IQ_BASE_URL": "https://lab.alpineiq.com",
    "ALPINE_IQ_UID": "4242",
    "ALPINE_IQ_API_KEY": "alpine-hush",
    "PIPEDRIVE_BASE_URL": "https://company.pipedrive.com",
    "PIPEDRIVE_API_TOKEN": "pipedrive-hush",
}


def put(monkeypatch, **values):
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_the_environment_wins_over_env_file_and_that_over_the_account_file(
    monkeypatch, account_file, env_file
):
    account_file.write_text(
        '[pipedrive]\nplan = "lite"\nseats = 2\nbudget_share = 0.1\n', encoding="utf-8"
    )
    env_file.write_text("PIPEDRIVE_SEATS=3\nPIPEDRIVE_BUDGET_SHARE=0.2\n", encoding="utf-8")
    put(monkeypatch, PIPEDRIVE_BUDGET_SHARE="0.3")

    found = settings.read()

    assert (found.pipedrive_plan, found.pipedrive_seats) == ("lite", 3)
    assert found.pipedrive_budget_share == 0.3


def test_one_message_names_everything_that_is_missing_and_how_to_try_without():
    with pytest.raises(ConfigError) as error:
        settings.read().require(CREDENTIALS)
    text = str(error.value)
    assert [name for name in CREDENTIALS if name not in text] == []
    assert "aiq2pd demo" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    "address",
    [
        "http://company.pipedrive.com",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "ftp://company.pipedrive.com",
        "company.pipedrive.com",
        "https://user:word@company.pipedrive.com",
        "https://company.pipedrive.com?x=1",
    ],
)
def test_an_address_that_would_show_the_key_is_refused(monkeypatch, address):
    put(monkeypatch, **(REAL | {"PIPEDRIVE_BASE_URL": address}))
    with pytest.raises(ConfigError, match="PIPEDRIVE_BASE_URL"):
        settings.read()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "[::1]", "localhost"])
def test_plain_http_is_fine_on_this_machine(monkeypatch, host):
    put(monkeypatch, **(REAL | {"PIPEDRIVE_BASE_URL": f"http://{host}:8080"}))
    assert settings.read().pipedrive_base_url == f"http://{host}:8080"


def test_windows_run_faster_only_between_servers_of_this_machine(monkeypatch):
    put(monkeypatch, **REAL, AIQ2PD_WINDOW_SCALE="60")
    with pytest.raises(ConfigError, match="AIQ2PD_WINDOW_SCALE"):
        settings.read()
    put(
        monkeypatch,
        ALPINE_IQ_BASE_URL="http://127.0.0.1:1",
        PIPEDRIVE_BASE_URL="http://127.0.0.1:2",
    )
    assert settings.read().window_scale == 60


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIPEDRIVE_PLAN", "platinum"),
        ("PIPEDRIVE_SEATS", "0"),
        ("PIPEDRIVE_SEATS", "five"),
        ("PIPEDRIVE_BUDGET_SHARE", "1.5"),
        ("AIQ2PD_WINDOW_SCALE", "0.5"),
        ("AIQ2PD_SETTLE_SECONDS", "-1"),
    ],
)
def test_a_wrong_value_is_named_in_one_line(monkeypatch, name, value):
    put(monkeypatch, **REAL, **{name: value})
    with pytest.raises(ConfigError, match=name) as error:
        settings.read()
    assert "\n" not in str(error.value)


def test_no_secret_stands_in_what_is_printed_or_thrown(monkeypatch):
    put(monkeypatch, **REAL, AIQ2PD_LEDGER_KEY="ledger-hush", PIPEDRIVE_SEATS="none")
    with pytest.raises(ConfigError) as error:
        settings.read()
    put(monkeypatch, PIPEDRIVE_SEATS="5")
    found = settings.read()
    shown = f"{error.value} {found!r} {found.alpine_iq()!r} {found.pipedrive()!r}"
    assert "hush" not in shown
    assert found.pipedrive().api_token == "pipedrive-hush"


def test_secrets_do_not_reach_dbt(monkeypatch):
    put(monkeypatch, **REAL)
    assert "hush" not in str(settings.read().environment_of_dbt())


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ('[pipedrive]\napi_token = "x"\n', "secret does not belong"),
        ('[pipedrive]\nplann = "growth"\n', "no such setting"),
        ("[pipedrive\n", "not valid TOML"),
        ('plan = "growth"\n', "no such setting"),
    ],
)
def test_a_wrong_account_file_is_refused(account_file, content, part):
    account_file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=part):
        settings.read()


def test_an_attestation_has_a_name_a_person_and_an_end(account_file):
    account_file.write_text(
        '[[attestations]]\nname = "automations_paused"\nby = "Jo"\nexpires = 2027-01-31\n',
        encoding="utf-8",
    )
    (attestation,) = settings.read().attestations
    assert (attestation.name, attestation.by) == ("automations_paused", "Jo")
    account_file.write_text('[[attestations]]\nname = "automations_paused"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="expires"):
        settings.read()


def test_a_ledger_key_is_made_once_private_and_kept(monkeypatch, data_dir):
    found = settings.read()
    found.places.prepare()
    key = found.ledger_key()
    assert len(key) == 64
    assert settings.read().ledger_key() == key
    assert (data_dir / "ledger.key").stat().st_mode & 0o777 == 0o600
    put(monkeypatch, AIQ2PD_LEDGER_KEY="mine")
    assert settings.read().ledger_key() == "mine"


def test_a_relative_data_folder_counts_from_here_or_from_the_project(
    monkeypatch, tmp_path, env_file
):
    from migrate.places import data_dir, project_dir

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIQ2PD_DATA_DIR", "here")
    assert data_dir() == tmp_path / "here"
    monkeypatch.delenv("AIQ2PD_DATA_DIR")
    env_file.write_text("AIQ2PD_DATA_DIR=there\n", encoding="utf-8")
    assert data_dir() == project_dir() / "there"
