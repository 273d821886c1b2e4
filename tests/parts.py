"""The MongoDB and the Kafka that the tests run against.

In this order: an address in the environment; a container, where a Docker engine answers; our own embedded
one; for Kafka without Java and Maven the in-process broker, which cannot carry every test.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from local.servers.apache_kafka import ApacheKafka, answers
from local.servers.in_process_kafka import LIMITS
from local.servers.kafka import choose_kafka
from local.servers.kafka_jars import KAFKA_VERSION
from local.servers.mongod import PARAMETERS, REPLICA_SET, Mongod, is_primary
from local.servers.process import HOST, free_port
from local.servers.server import Server

MONGO_IMAGE: Final = "mongo:8.0"
KAFKA_IMAGE: Final = f"apache/kafka:{KAFKA_VERSION}"
NO_REAL_KAFKA: Final = (
    "needs a real Kafka broker, and only the one inside the test process is there"
    f" ({LIMITS}); install Java 17 and Maven, or start Docker, or set ORDER_RECORDS_TEST_KAFKA to an address"
)
_DOCKER_SECONDS: Final = 2
_CONTAINER_SECONDS: Final = 90.0
_CONTAINER_LOOKS: Final = 450

T = TypeVar("T")
S = TypeVar("S", bound=Server)


class StartMongod(Protocol):
    """Starts a mongod for one test; `parameters` are server parameters."""

    def __call__(self, **parameters: str) -> Awaitable[Mongod]: ...


StartKafka = Callable[[], Awaitable[ApacheKafka]]


@dataclass(frozen=True)
class Part:
    """A server for the whole run; `real` is false for the in-process broker."""

    address: str
    source: str
    stop: Callable[[], None]
    real: bool = True


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end in a loop of its own, whatever loop the caller may be in."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def start_mongo(folder: Path) -> Part:
    address = os.environ.get("ORDER_RECORDS_TEST_MONGO")
    if address:
        return Part(address, "the MongoDB named in ORDER_RECORDS_TEST_MONGO", _nothing)
    if docker_answers():
        return _mongo_container()
    server = apart(Mongod.start(folder))
    return Part(server.uri, server.source, lambda: apart(end(server)))


def start_kafka(folder: Path) -> Part:
    address = os.environ.get("ORDER_RECORDS_TEST_KAFKA")
    if address:
        return Part(address, "the Kafka named in ORDER_RECORDS_TEST_KAFKA", _nothing)
    if docker_answers():
        return _kafka_container()
    # CI sets this where a real broker can run: falling back would hide what only a real one shows.
    required = os.environ.get("ORDER_RECORDS_TEST_REQUIRE_REAL_KAFKA")
    broker = apart(choose_kafka("apache" if required else "auto", folder))
    if isinstance(broker, Server):
        return Part(broker.bootstrap, broker.source, lambda: apart(end(broker)))
    return Part(broker.bootstrap, broker.source, lambda: apart(broker.stop()), real=False)


def docker_answers() -> bool:
    """Whether a Docker engine is there: a client alone is not enough."""
    docker = shutil.which("docker")
    if not docker:
        return False
    command = [docker, "version", "--format", "{{.Server.Version}}"]
    try:
        run = subprocess.run(command, capture_output=True, timeout=_DOCKER_SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False
    return run.returncode == 0


async def end(server: Server) -> None:
    """Ends the server and removes its data, so at once; its log stays, in case a test failed."""
    await server.stop(kill=True)
    shutil.rmtree(server.folder / "data", ignore_errors=True)


@asynccontextmanager
async def ended(server: S) -> AsyncIterator[S]:
    """The server, ended at the end."""
    try:
        yield server
    finally:
        await end(server)


def _mongo_container() -> Part:
    port = free_port()
    command = f"--replSet {REPLICA_SET} --bind_ip_all --port {port}"
    command += "".join(f" --setParameter {name}={value}" for name, value in PARAMETERS.items())
    stop = _container(MONGO_IMAGE, port, {}, command, lambda: is_primary(port))
    address = f"mongodb://{HOST}:{port}/?replicaSet={REPLICA_SET}"
    return Part(address, f"{MONGO_IMAGE} in Docker", stop)


def _kafka_container() -> Part:
    port = free_port()
    address = f"{HOST}:{port}"
    environment = {
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_NODE_ID": "1",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{address}",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_MESSAGE_MAX_BYTES": str(4 * 1024 * 1024),
    }
    stop = _container(KAFKA_IMAGE, port, environment, None, lambda: answers(address))
    return Part(address, f"{KAFKA_IMAGE} in Docker", stop)


def _container(
    image: str,
    port: int,
    environment: dict[str, str],
    command: str | None,
    is_ready: Callable[[], Awaitable[bool]],
) -> Callable[[], None]:
    """Starts a container that serves `port` under the same number on this machine; returns how to end it."""
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - slow, and seldom needed

    container = DockerContainer(image).with_bind_ports(port, port)
    for name, value in environment.items():
        container.with_env(name, value)
    if command:
        container.with_command(command)
    container.start()
    try:
        apart(_until(is_ready))
    except BaseException:
        container.stop()
        raise
    return container.stop


async def _until(is_ready: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(_CONTAINER_SECONDS):
        for _ in range(_CONTAINER_LOOKS):
            if await is_ready():
                return
            await asyncio.sleep(_CONTAINER_SECONDS / _CONTAINER_LOOKS)


def _nothing() -> None:
    """What an address in the environment names is not ours to end."""
