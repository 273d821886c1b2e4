"""How every process speaks to Kafka: the options for its clients."""

import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.helpers import create_ssl_context

from runtime.environment import variable
from runtime.errors import UserError
from runtime.kafka_settings import Kafka

if TYPE_CHECKING:
    from faststream.security import BaseSecurity

CLIENT_ID = "order-records"
REQUEST_SECONDS = 10.0


def client_options(kafka: Kafka) -> dict[str, Any]:
    """Keyword arguments for any aiokafka client. Raises UserError when a certificate file cannot be used."""
    options: dict[str, Any] = {
        "bootstrap_servers": kafka.servers,
        "client_id": CLIENT_ID,
        "security_protocol": kafka.security_protocol,
        "ssl_context": _ssl_context(kafka),
    }
    if kafka.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": kafka.sasl_mechanism,
            "sasl_plain_username": kafka.sasl_username,
            "sasl_plain_password": _password(kafka),
        }
    return options


def faststream_security(kafka: Kafka) -> "BaseSecurity | None":
    """The same for FastStream's KafkaBroker, which takes its own object; None for plaintext."""
    # Imported here: FastStream is heavy, and only `consume` needs it.
    from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512  # noqa: PLC0415

    context = _ssl_context(kafka)
    if kafka.security_protocol == "PLAINTEXT":
        return None
    if kafka.security_protocol == "SSL":
        return BaseSecurity(ssl_context=context)
    kinds: dict[str, type[SASLPlaintext | SASLScram256 | SASLScram512]] = {
        "PLAIN": SASLPlaintext,
        "SCRAM-SHA-256": SASLScram256,
        "SCRAM-SHA-512": SASLScram512,
    }
    kind = kinds[kafka.sasl_mechanism]
    return kind(username=kafka.sasl_username or "", password=_password(kafka), ssl_context=context)


@contextlib.asynccontextmanager
async def admin_client(
    kafka: Kafka, request_seconds: float = REQUEST_SECONDS
) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client for the block. Raises KafkaError or OSError when no broker answers.

    `request_seconds` is for each request, and for each server that it tries to begin with.
    """
    client = AIOKafkaAdminClient(
        **client_options(kafka), request_timeout_ms=int(request_seconds * 1000), retry_backoff_ms=500
    )
    try:
        await client.start()
        yield client
    finally:
        await client.close()


def _password(kafka: Kafka) -> str:
    return "" if kafka.sasl_password is None else kafka.sasl_password.get_secret_value()


def _ssl_context(kafka: Kafka) -> ssl.SSLContext | None:
    if kafka.security_protocol not in {"SSL", "SASL_SSL"}:
        return None
    try:
        # Without a password OpenSSL would ask on the terminal for an encrypted key's, and wait.
        context: ssl.SSLContext = create_ssl_context(
            cafile=kafka.ssl_cafile, certfile=kafka.ssl_certfile, keyfile=kafka.ssl_keyfile, password=""
        )
    except OSError as error:  # ssl.SSLError is one, too
        names = [variable("kafka", f"ssl_{part}") for part in ("cafile", "certfile", "keyfile")]
        raise UserError(f"{', '.join(names)}: the files cannot be used ({error.strerror})") from error
    return context
