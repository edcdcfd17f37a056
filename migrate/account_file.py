"""account.toml: the committed decisions, as the variables they stand for.

Returns {variable: value}; empty strings count as not given. Raises `ConfigError` for a file that
does not parse, for a key nobody knows, and for a secret in a file that is committed.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

from pydantic_settings import PydanticBaseSettingsSource

from load.errors import ConfigError
from migrate import places

VARIABLE_OF: Final = {
    ("alpine_iq", "base_url"): "ALPINE_IQ_BASE_URL",
    ("alpine_iq", "uid"): "ALPINE_IQ_UID",
    ("alpine_iq", "points_timelines"): "AIQ2PD_POINTS_TIMELINES",
    ("alpine_iq", "overrides"): "AIQ2PD_OVERRIDES",
    ("pipedrive", "base_url"): "PIPEDRIVE_BASE_URL",
    ("pipedrive", "company_id"): "PIPEDRIVE_COMPANY_ID",
    ("pipedrive", "company_domain"): "PIPEDRIVE_COMPANY_DOMAIN",
    ("pipedrive", "plan"): "PIPEDRIVE_PLAN",
    ("pipedrive", "seats"): "PIPEDRIVE_SEATS",
    ("pipedrive", "budget_share"): "PIPEDRIVE_BUDGET_SHARE",
    ("pipedrive", "largest_file_mb"): "PIPEDRIVE_LARGEST_FILE_MB",
    ("decisions", "order_strategy"): "AIQ2PD_ORDER_STRATEGY",
    ("decisions", "undo_max_days"): "AIQ2PD_UNDO_MAX_DAYS",
    ("decisions", "calendar_days"): "AIQ2PD_CALENDAR_DAYS",
}
# what models look up by the macros pipedrive_setting and decided_setting
MODELS_READ: Final = (
    "PIPEDRIVE_PLAN",
    "PIPEDRIVE_SEATS",
    "PIPEDRIVE_BUDGET_SHARE",
    "PIPEDRIVE_LARGEST_FILE_MB",
    "AIQ2PD_ORDER_STRATEGY",
    "AIQ2PD_CALENDAR_DAYS",
)
SECRETS: Final = frozenset({"api_key", "api_token", "ledger_key", "token", "key", "password"})


def read_account_file(file: Path) -> dict[str, Any]:
    """The decisions by variable; nothing when there is no file."""
    if not file.is_file():
        return {}
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file.name}: not valid TOML: {error}") from error
    values: dict[str, Any] = {}
    for section, members in content.items():
        if section == "attestations":
            values["attestations"] = members
            continue
        if not isinstance(members, dict):
            raise ConfigError(f"{file.name}: {section}: no such setting")
        for key, value in members.items():
            name = _variable(file.name, section, key)
            if value != "":
                values[name] = value
    return values


def _variable(file: str, section: str, key: str) -> str:
    if key in SECRETS:
        raise ConfigError(
            f"{file}: {section}.{key}: a secret does not belong in a committed file; remove it, "
            "change the secret, and set it in the environment"
        )
    if (section, key) not in VARIABLE_OF:
        known = ", ".join(sorted(f"{a}.{b}" for a, b in VARIABLE_OF))
        raise ConfigError(f"{file}: {section}.{key}: no such setting; known are {known}")
    return VARIABLE_OF[section, key]


class AccountFileSource(PydanticBaseSettingsSource):
    """account.toml as the last of the sources."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """The library asks for it; `__call__` gives all values at once."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        return read_account_file(places.account_file())
