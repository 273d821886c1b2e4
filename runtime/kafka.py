"""How every process speaks to Kafka: options for the clients, and waiting for the brokers."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.helpers import create_ssl_context

from runtime.environment import variable
from runtime.errors import UserError
from runtime.log_privacy import type_name
from runtime.settings import Kafka, Settings

if TYPE_CHECKING:
    from faststream.security import BaseSecurity

CLIENT_ID = "order-records"
REQUEST_SECONDS = 10.0
PROBE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 2.0
REMIND_SECONDS = 60.0

log = structlog.get_logger(__name__)


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
async def admin_client(kafka: Kafka) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client for the block. Raises KafkaError or OSError when no broker answers."""
    client = AIOKafkaAdminClient(
        **client_options(kafka), request_timeout_ms=int(REQUEST_SECONDS * 1000), retry_backoff_ms=500
    )
    try:
        await client.start()
        yield client
    finally:
        await client.close()


async def wait_for_kafka(settings: Settings, stopping: asyncio.Event) -> bool:
    """True as soon as a broker answers; False when `stopping` is set first.

    aiokafka's clients raise at once when Kafka is down at their start (pitfall K10), so this comes before
    them. Says so in the log at the first failure and every minute.
    """
    pause, next_line = 0.1, 0.0
    while not stopping.is_set():
        failure = await _probe(settings.kafka)
        if failure is None:
            return True
        if time.monotonic() >= next_line:
            log.warning("Kafka does not answer: waiting", servers=settings.kafka.servers, error=failure)
            next_line = time.monotonic() + REMIND_SECONDS
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), pause)
        pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
    return False


async def _probe(kafka: Kafka) -> str | None:
    """None when a broker answers, else the type of the error."""
    try:
        async with asyncio.timeout(PROBE_SECONDS), admin_client(kafka):
            return None
    except (KafkaError, OSError, TimeoutError) as error:
        return type_name(type(error))


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
