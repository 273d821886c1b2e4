"""The settings of every Kafka client."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from runtime.environment import PREFIX
from runtime.setting_types import Group, Name, Servers, Topic


class Kafka(Group):
    bootstrap_servers: Servers = Field(
        "127.0.0.1:9092", description="Brokers to begin with: host:port, several by comma."
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to speak to the brokers."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "PLAIN", description="How to log in, where the protocol is one of the SASL ones."
    )
    sasl_username: Name | None = Field(None, description="User name for SASL.")
    sasl_password: SecretStr | None = Field(None, description="Password for SASL; never printed.")
    ssl_cafile: Path | None = Field(
        None,
        description="File of the authorities (PEM) that sign the brokers' certificates; else the system's.",
    )
    ssl_certfile: Path | None = Field(None, description="File of our own certificate (PEM), for mutual TLS.")
    ssl_keyfile: Path | None = Field(None, description="File of the key of our own certificate (PEM).")
    order_topic: Topic = Field("order-completed", description="Topic of the order-completed events.")
    audit_topic: Topic = Field(
        "order-records.audit", description="Topic of the audit events; it has one partition."
    )
    checkpoint_topic: Topic = Field(
        "order-records.audit.checkpoints", description="Topic of the audit trail's signed checkpoints."
    )
    group_id: Name = Field("order-records", description="Consumer group of `consume`.")
    create_topics: bool = Field(
        False,
        description="Create the three topics when they are absent. Topics that exist are never changed.",
    )

    @property
    def servers(self) -> list[str]:
        """`bootstrap_servers` as the clients need it: aiokafka does not split the string (pitfall A6.6)."""
        return [part.strip() for part in self.bootstrap_servers.split(",")]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        sasl = self.security_protocol.startswith("SASL")
        if sasl and not (self.sasl_username and self.sasl_password):
            raise ValueError(
                f"{PREFIX}KAFKA__SASL_USERNAME and {PREFIX}KAFKA__SASL_PASSWORD are needed with "
                f"{PREFIX}KAFKA__SECURITY_PROTOCOL={self.security_protocol}"
            )
        if len({self.order_topic, self.audit_topic, self.checkpoint_topic}) != 3:  # noqa: PLR2004
            raise ValueError(
                f"{PREFIX}KAFKA__ORDER_TOPIC, __AUDIT_TOPIC and __CHECKPOINT_TOPIC should be three topics"
            )
        return self
