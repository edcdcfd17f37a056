"""Settings: the environment wins over `.env`, which wins over the committed `account.toml`.

Decisions (ids, plan, seats, strategies, attestations) live in `account.toml`; secrets come from the
environment or `.env` alone and are refused in the file. The frozen `Settings` hands each side the
dataclass it asks for. Raises `ConfigError` with one message that names every variable at fault.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from load import warehouse
from load.errors import ConfigError
from migrate import places
from migrate.account_file import MODELS_READ, AccountFileSource
from migrate.addresses import check_address, is_loopback
from migrate.places import Places

if TYPE_CHECKING:
    from extract.alpine_iq.settings import AlpineIQAccount
    from load.settings import PipedriveAccount

TRY_THE_SANDBOX = "without accounts, try it all on local servers: `aiq2pd demo`"

ALPINE_IQ = ("ALPINE_IQ_BASE_URL", "ALPINE_IQ_UID", "ALPINE_IQ_API_KEY")
PIPEDRIVE = ("PIPEDRIVE_BASE_URL", "PIPEDRIVE_API_TOKEN")
CREDENTIALS = (*ALPINE_IQ, *PIPEDRIVE)


class Attestation(BaseModel):
    """Something the API cannot tell and a person vouched for, until a day."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    by: str
    expires: dt.date


def _variable(name: str, meaning: str, default: Any = None, **bounds: Any) -> Any:
    return Field(default=default, validation_alias=name, description=meaning, **bounds)


class Settings(BaseSettings):
    """Everything a command may need to know about the two accounts and this machine."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", case_sensitive=True, env_ignore_empty=True
    )

    alpine_iq_base_url: str | None = _variable(
        "ALPINE_IQ_BASE_URL", "address of the Alpine IQ API; https, or http on this machine"
    )
    alpine_iq_uid: str | None = _variable("ALPINE_IQ_UID", "id of the Alpine IQ account")
    alpine_iq_api_key: SecretStr | None = _variable(
        "ALPINE_IQ_API_KEY", "secret; key of the Alpine IQ account"
    )
    pipedrive_base_url: str | None = _variable(
        "PIPEDRIVE_BASE_URL", "the company's address, such as https://company.pipedrive.com"
    )
    pipedrive_api_token: SecretStr | None = _variable(
        "PIPEDRIVE_API_TOKEN", "secret; token of a user with global admin rights"
    )
    pipedrive_plan: Literal["lite", "growth", "premium", "ultimate"] = _variable(
        "PIPEDRIVE_PLAN", "lite, growth, premium or ultimate; the API cannot tell", "growth"
    )
    pipedrive_seats: int = _variable("PIPEDRIVE_SEATS", "paid seats of the company", 5, ge=1)
    pipedrive_budget_share: float = _variable(
        "PIPEDRIVE_BUDGET_SHARE", "share of the daily token budget we may spend", 0.8, gt=0, le=1
    )
    pipedrive_largest_file_mb: int = _variable(
        "PIPEDRIVE_LARGEST_FILE_MB", "largest file that is uploaded; none is documented", 50, ge=1
    )
    pipedrive_company_id: int | None = _variable(
        "PIPEDRIVE_COMPANY_ID", "id the company must have; a mismatch stops the run"
    )
    pipedrive_company_domain: str | None = _variable(
        "PIPEDRIVE_COMPANY_DOMAIN", "domain the company must have; a mismatch stops the run"
    )
    data_dir: Path = _variable(
        "AIQ2PD_DATA_DIR", "where warehouse, ledger, plans lie", Path("data")
    )
    ledger_key_given: SecretStr | None = _variable(
        "AIQ2PD_LEDGER_KEY",
        "secret; encrypts what records held before we changed them. "
        "Not set: a key is made once and kept in the data folder as ledger.key",
    )
    window_scale: float = _variable(
        "AIQ2PD_WINDOW_SCALE",
        "speeds all rate windows up by this factor; only between servers of this machine",
        1.0,
        ge=1,
    )
    settle_seconds: float = _variable(
        "AIQ2PD_SETTLE_SECONDS", "wait before a write of unknown outcome is looked up", 60.0, ge=0
    )
    list_lag_seconds: float = _variable(
        "AIQ2PD_LIST_LAG_SECONDS", "how far Pipedrive's lists may lag behind", 10.0, ge=0
    )
    quiet_seconds: float = _variable(
        "AIQ2PD_QUIET_SECONDS", "quiet time before the closing sweep", 7200.0, ge=0
    )
    canary_seconds: float | None = _variable(
        "AIQ2PD_CANARY_SECONDS",
        "how long preflight watches its canary for others' changes; "
        "not set: as long as AIQ2PD_SETTLE_SECONDS",
        None,
        ge=0,
    )
    backup_dir: Path | None = _variable(
        "AIQ2PD_BACKUP_DIR", "folder off this machine that gets a copy of each ledger backup"
    )
    handover_key: SecretStr | None = _variable(
        "AIQ2PD_HANDOVER_KEY", "secret; opens and seals the bundle of aiq2pd handover"
    )
    undo_max_days: float = _variable(
        "AIQ2PD_UNDO_MAX_DAYS",
        "days that an undo of everything may take; above it the cutover's gate is red",
        5.0,
        gt=0,
    )
    target: str = _variable("AIQ2PD_TARGET", "dbt target of profiles.yml", "duckdb")
    lake_catalog: str | None = _variable(
        "AIQ2PD_LAKE_CATALOG",
        "target ducklake: PostgreSQL with the catalog, such as postgresql://user@host:5432/aiq2pd; "
        "its password belongs in PGPASSWORD or ~/.pgpass",
    )
    lake_files: str | None = _variable(
        "AIQ2PD_LAKE_FILES", "target ducklake: folder or bucket of the Parquet files"
    )
    memory_limit: str | None = _variable(
        "AIQ2PD_MEMORY_LIMIT",
        "memory that DuckDB may take in dbt's runs, such as 6GB; beyond it DuckDB works on disk. "
        "Unset: up to 80 % of the machine's",
        pattern=r"^[0-9.]+ ?[KMGT]i?B$",
    )
    points_timelines: bool = _variable(
        "AIQ2PD_POINTS_TIMELINES", "a call more a contact: changes of points", default=False
    )
    overrides: bool = _variable(
        "AIQ2PD_OVERRIDES", "a call more a contact: what staff set by hand", default=False
    )
    order_strategy: str = _variable(
        "AIQ2PD_ORDER_STRATEGY",
        "how orders cross: all_deals, archived_waves (closed deals are archived, in waves under "
        "the cap), lines_as_text (an order's lines are a text in its deal) or recent_deals (older "
        "ones are counted on their person); "
        "plan.plan_strategies shows what each would cost",
        "all_deals",
        pattern="^(all_deals|archived_waves|lines_as_text|recent_deals)$",
    )
    calendar_days: float = _variable(
        "AIQ2PD_CALENDAR_DAYS",
        "the longest that a load may take; undo reaches back 30 days",
        30.0,
        gt=0,
    )
    attestations: tuple[Attestation, ...] = Field(default=(), validation_alias="attestations")
    given_by_sandbox: frozenset[str] = Field(
        default=frozenset(), validation_alias="given_by_sandbox"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the library's signature)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """First wins; `read` adds account.toml below these."""
        return init_settings, env_settings, dotenv_settings, AccountFileSource(settings_cls)

    @model_validator(mode="after")
    def _addresses_are_safe(self) -> Settings:
        for name, url in (
            ("ALPINE_IQ_BASE_URL", self.alpine_iq_base_url),
            ("PIPEDRIVE_BASE_URL", self.pipedrive_base_url),
        ):
            if url is not None:
                check_address(name, url)
        if self.window_scale > 1 and not (
            is_loopback(self.alpine_iq_base_url) and is_loopback(self.pipedrive_base_url)
        ):
            raise ValueError(
                "AIQ2PD_WINDOW_SCALE: only allowed when both addresses are on this machine; "
                "unset it, real services count in real seconds"
            )
        return self

    @property
    def places(self) -> Places:
        return Places(self.data_dir)

    def bind_warehouse(self) -> None:
        """The data folder, ready, and sure of where its tables lie."""
        self.places.prepare()
        lake = None
        if self.lake_catalog and self.lake_files:
            lake = warehouse.Lake(self.lake_catalog, self.lake_files)
        warehouse.bind(self.data_dir, self.target, lake)

    @property
    def on_sandbox(self) -> bool:
        return bool(self.given_by_sandbox)

    def value_of(self, name: str) -> Any:
        """The value of a variable."""
        fields = {field.validation_alias: key for key, field in type(self).model_fields.items()}
        return getattr(self, fields[name])

    def missing(self, names: tuple[str, ...]) -> list[str]:
        """The variables among `names` that have no value."""
        return [name for name in names if self.value_of(name) is None]

    def require(self, names: tuple[str, ...]) -> None:
        """One message for all that is missing."""
        if missing := self.missing(names):
            raise ConfigError(
                f"not set: {', '.join(missing)}. Set them in the environment or in "
                f"{places.env_file().name} (see .env.example); {self._hint()}"
            )

    def _hint(self) -> str:
        if (self.places.sandbox / "pipedrive.sqlite").is_file():
            return "or start the sandbox of this data folder again: `aiq2pd sandbox up`"
        return TRY_THE_SANDBOX

    def alpine_iq(self) -> AlpineIQAccount:
        self.require(ALPINE_IQ)
        from extract.alpine_iq.settings import AlpineIQAccount

        return AlpineIQAccount(
            base_url=_text(self.alpine_iq_base_url),
            uid=_text(self.alpine_iq_uid),
            api_key=_text(self.alpine_iq_api_key),
            window_scale=self.window_scale,
        )

    def pipedrive(self) -> PipedriveAccount:
        self.require(PIPEDRIVE)
        from load.settings import PipedriveAccount

        return PipedriveAccount(
            base_url=_text(self.pipedrive_base_url),
            api_token=_text(self.pipedrive_api_token),
            plan=self.pipedrive_plan,
            seats=self.pipedrive_seats,
            budget_share=self.pipedrive_budget_share,
            company_id=self.pipedrive_company_id,
            company_domain=self.pipedrive_company_domain,
            window_scale=self.window_scale,
            settle_seconds=self.settle_seconds,
            list_lag_seconds=self.list_lag_seconds,
            quiet_seconds=self.quiet_seconds,
        )

    def ledger_key(self) -> str:
        """The key in force; made once, 0600, when nobody gave one."""
        if self.ledger_key_given is not None:
            return self.ledger_key_given.get_secret_value()
        file = self.places.ledger_key
        if not file.exists():
            with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as out:
                out.write(secrets.token_hex(32))
        return file.read_text(encoding="ascii").strip()

    def environment_of_dbt(self) -> dict[str, str]:
        """What models and profiles may read; never a secret."""
        return {
            "AIQ2PD_DATA_DIR": str(self.data_dir),
            "AIQ2PD_TARGET": self.target,
            "AIQ2PD_MEMORY_LIMIT": self.memory_limit or "",
            "AIQ2PD_LAKE_CATALOG": self.lake_catalog or "",
            "AIQ2PD_LAKE_FILES": self.lake_files or "",
            **{name: str(self.value_of(name)) for name in MODELS_READ},
        }


def read(sandbox: dict[str, str] | None = None) -> Settings:
    """The settings in force; the variables of a sandbox win over everything."""
    given: dict[str, Any] = {**(sandbox or {})}
    given["AIQ2PD_DATA_DIR"] = str(places.data_dir())
    given["given_by_sandbox"] = frozenset(sandbox or {})
    given["_env_file"] = places.env_file()
    try:
        return Settings(**given)
    except ValidationError as error:
        raise ConfigError("; ".join(_problem(item) for item in error.errors())) from None


def variables() -> list[tuple[str, str, str]]:
    """Every variable as (name, default, meaning), for the manual and `doctor`."""
    return [
        (str(field.validation_alias), _default(field.default), field.description)
        for field in Settings.model_fields.values()
        if field.description
    ]


def is_secret(name: str) -> bool:
    """Whether a variable's value must never be shown."""
    return any(
        field.validation_alias == name and "SecretStr" in str(field.annotation)
        for field in Settings.model_fields.values()
    )


def _problem(item: Any) -> str:
    """One line per fault; never the value, which may be a secret."""
    where = ".".join(str(part) for part in item["loc"])
    text = str(item["msg"]).removeprefix("Value error, ")
    return f"{where}: {text}" if where else text


def _default(value: Any) -> str:
    return "" if value is None else str(value)


def _text(value: str | SecretStr | None) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else (value or "")
