"""Every setting: environment variables under `ORDER_RECORDS_`, read once, frozen."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self, TypedDict

from pydantic import (
    Field,
    SecretStr,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from runtime.environment import PREFIX, read_environment, variable
from runtime.kafka_settings import Kafka
from runtime.secret_keys import SecretName, Secrets
from runtime.setting_types import (
    CommaSeparated,
    Days,
    Group,
    LogName,
    MongoUri,
    Name,
    Port,
    Seconds,
    VerifierKeys,
)

Process = Literal["consume", "work", "serve"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

HEALTH_PORTS: dict[Process, int] = {"consume": 8081, "work": 8082, "serve": 8083}
MAX_TRANSACTION_RECORDS = 1_000  # what one MongoDB transaction may hold (design, section 4)


class DateNumbers(TypedDict):
    """The numbers from which records get their dates."""

    base: Literal["created", "orderRecordDate"]
    day_seconds: float
    max_event_age_days: int
    max_days: int


class Mongo(Group):
    uri: MongoUri = Field(
        SecretStr("mongodb://127.0.0.1:27017/?replicaSet=rs0"),
        description="Connection string of the replica set or sharded cluster. It may hold a password and is "
        "never printed.",
    )
    database: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,63}$")] = Field(
        "order_records", description="Name of the database."
    )
    driver: Literal["pymongo", "motor"] = Field(
        "pymongo", description="The driver's asynchronous API; Motor needs the extra `motor`."
    )


class Consumer(Group):
    max_records: Annotated[int, Field(ge=1, le=MAX_TRANSACTION_RECORDS)] = Field(
        1_000, description="Most events of one batch, and so of one transaction: 1 to 1000."
    )


class Api(Group):
    host: Name = Field("127.0.0.1", description="Address that `serve` listens on.")
    port: Port = Field(8080, description="TCP port that `serve` listens on; 0 takes a free one.")


class HealthSettings(Group):
    host: Name = Field("127.0.0.1", description="Address of `/livez`, `/readyz` and `/metrics`.")
    port: Port | None = Field(
        None,
        description="TCP port of the same; unset it is "
        + ", ".join(f"{port} for `{process}`" for process, port in HEALTH_PORTS.items())
        + "; 0 takes a free one.",
    )


class Auth(Group):
    issuer: Name | None = Field(None, description="Issuer (`iss`) that a token must name.")
    audience: CommaSeparated = Field(
        (), description="Audience (`aud`) that a token must name; several by comma."
    )
    jwks_url: Name | None = Field(None, description="Address of the issuer's public keys (JWKS).")
    jwks_file: Path | None = Field(None, description="File of the issuer's public keys (JWKS).")
    hs256_secret: SecretStr | None = Field(
        None,
        description="Shared secret of HS256 tokens; never printed. `serve` needs exactly one key source.",
    )
    permissions_claim: Name = Field(
        "permissions",
        description="Claim with an array of permissions; `scope`, a spaced string, is read too.",
    )


class Audit(Group):
    # A C2SP key name: it is part of every verifier key, signature line and checkpoint.
    log_name: LogName = Field(
        "order-records",
        description="Name of the trail: checkpoint origin and key name; printable ASCII, no space, no `+`, "
        "at most 100 characters. A new audit topic needs a new name.",
    )
    public_keys: VerifierKeys = Field(
        (),
        description="Verifier keys that were retired and still count for old checkpoints; several by comma.",
    )
    retention_days: Days = Field(
        1_460, description="How long the audit topic keeps an event, in days; stated in each attestation."
    )


class Search(Group):
    indexes: bool = Field(
        True,
        description="Build the indexes of list and search. Without them ingest is cheaper and searches scan: "
        "for a team that only audits.",
    )


class Pricing(Group):
    tax_mode: Literal["exclusive", "inclusive"] = Field(
        "exclusive",
        description="Whether prices come without taxes, which are then added to the total, or with them.",
    )


class Retention(Group):
    base: Literal["created", "orderRecordDate"] = Field(
        "created", description="The date that a record's retention counts from."
    )
    day_seconds: Seconds = Field(
        86_400.0,
        description="Length of a policy's day, in seconds. Demos and tests shorten it; it scales the "
        "policy's two numbers and nothing else.",
    )
    ledger_days: Days = Field(
        400, description="How long the bare id of a deleted record is remembered, in days."
    )
    max_event_age_days: Days = Field(
        365, description="Oldest event that is accepted, in days; less than the ledger's."
    )
    max_days: Days = Field(3_650, description="Latest date that a sender may ask for, in days from now.")

    def date_numbers(self) -> DateNumbers:
        """What decides about dates, by name."""
        return {
            "base": self.base,
            "day_seconds": self.day_seconds,
            "max_event_age_days": self.max_event_age_days,
            "max_days": self.max_days,
        }

    @model_validator(mode="after")
    def _ledger_outlives_events(self) -> Self:
        if self.ledger_days <= self.max_event_age_days:
            raise ValueError(
                f"{PREFIX}RETENTION__LEDGER_DAYS should be greater than "
                f"{PREFIX}RETENTION__MAX_EVENT_AGE_DAYS, or a deleted record could come back"
            )
        return self


class Worker(Group):
    sweep_interval_seconds: Seconds = Field(5.0, description="Time from one sweep to the next, in seconds.")
    batch_size: Annotated[int, Field(ge=1, le=MAX_TRANSACTION_RECORDS)] = Field(
        1_000, description="Most records of one sweep's transaction: 1 to 1000."
    )
    lease_seconds: Annotated[float, Field(ge=3, le=3_600)] = Field(
        15.0, description="How long the leader's lease lasts without renewal, in seconds; at least 3."
    )
    events_per_second: Annotated[float, Field(ge=1_000)] = Field(
        25_000.0,
        description="Most audit events that are sent in a second, so that a backlog drains evenly; at least "
        "1000. Where more is erased in a second, it grows.",
    )


class Log(Group):
    level: LogLevel = Field(
        "INFO", description="Least level of our own log lines; libraries stay at WARNING, whatever this says."
    )


class Settings(BaseSettings):
    """The whole of it. Built by `load_settings`; nothing else reads the environment."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        enable_decoding=False,  # lists are written by comma, not as JSON
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    mongo: Mongo = Mongo()
    kafka: Kafka = Kafka()
    consumer: Consumer = Consumer()
    api: Api = Api()
    health: HealthSettings = HealthSettings()
    auth: Auth = Auth()
    secrets: Secrets = Secrets()
    audit: Audit = Audit()
    retention: Retention = Retention()
    search: Search = Search()
    pricing: Pricing = Pricing()
    worker: Worker = Worker()
    log: Log = Log()
    enabled_on_first_start: bool | None = Field(
        None,
        description="Whether consuming is enabled when the database is new; unset, the stored configuration "
        "decides, and its default is disabled.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 (the library's signature)
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # `load_settings` alone says which environment is read

    def health_port(self, process: Process) -> int:
        """The TCP port of a process's health server."""
        return HEALTH_PORTS[process] if self.health.port is None else self.health.port

    def bound(self, id_key_fingerprint: str | None) -> dict[str, str]:
        """The settings that may never change once a database was used with them, by variable.

        A process without the id key leaves its fingerprint out. Source: design section 3.
        """
        values = {
            variable("retention", "base"): self.retention.base,
            variable("retention", "day_seconds"): str(self.retention.day_seconds),
            **self.bound_trail(),
        }
        if id_key_fingerprint is not None:
            values[variable("secrets", "id_key")] = id_key_fingerprint
        return values

    def bound_trail(self) -> dict[str, str]:
        """Those of them that name the trail, which `audit begin` may change: its log name, then its topic."""
        return {
            variable("audit", "log_name"): self.audit.log_name,
            variable("kafka", "audit_topic"): self.kafka.audit_topic,
        }

    def require_secrets(self, *names: SecretName) -> None:
        """Raises UserError unless all of these are set: each process names the secrets that it uses."""
        for name in names:
            self.secrets.require(name)


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of `environ` (the process's own without it). Raises UserError: one line, no values."""
    return read_environment(Settings, os.environ if environ is None else environ)
