"""A real Apache Kafka on this machine: one node in KRaft combined mode."""

from pathlib import Path
from typing import ClassVar, Final, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from local.servers.kafka_jars import KAFKA_VERSION, kafka_class_path
from local.servers.process import HOST, Process, free_port, listens
from local.servers.server import Server
from runtime.errors import UserError

_CLUSTER_ID: Final = "order-records-local-00"  # Kafka wants 16 bytes in base64
_FORMAT_SECONDS: Final = 60
_PROBE_MILLISECONDS: Final = 2000

_SETTINGS: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    # A topic that nobody made must fail here as in production.
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    # Above 1 MiB, so that an order over the limit can arrive and be refused by us.
    "message.max.bytes": str(4 * 1024 * 1024),
    # A restarted broker waits until its former self has timed out (after 9 s by Kafka's own figure).
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}


class ApacheKafka(Server):
    """One broker and controller on 127.0.0.1, without encryption or login."""

    name: ClassVar[str] = "kafka"
    ready_seconds: ClassVar[float] = 60.0

    def __init__(self, folder: Path, port: int | None, class_path: str) -> None:
        super().__init__(folder, port)
        self._class_path = class_path
        self._properties = folder / "server.properties"
        self._data = folder / "data"

    @classmethod
    async def start(cls, folder: Path, *, port: int | None = None) -> Self:
        """Starts one and waits until it answers.

        `folder` takes data and log, and may hold the data of an earlier run. Raises UserError when Java or
        Maven is missing or it does not get ready.
        """
        server = cls(folder, port, await kafka_class_path())
        await server._prepare()
        await server.launch()
        return server

    @property
    def bootstrap(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def source(self) -> str:
        return f"Apache Kafka {KAFKA_VERSION} on {self.bootstrap} (one node, fetched by Maven)"

    async def _prepare(self) -> None:
        self._properties.write_text(
            "".join(f"{name}={value}\n" for name, value in self._settings().items()), encoding="utf-8"
        )
        if not (self._data / "meta.properties").exists():
            await self._format()

    def _settings(self) -> dict[str, str]:
        controller = f"{HOST}:{free_port()}"
        return _SETTINGS | {
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.quorum.voters": f"1@{controller}",
            "log.dirs": str(self._data),
        }

    async def _format(self) -> None:
        arguments = ["format", "--cluster-id", _CLUSTER_ID, "--config", str(self._properties)]
        command = [*self._java("-XX:TieredStopAtLevel=1"), "kafka.tools.StorageTool", *arguments]
        try:
            process = Process(command, self.folder / "format.log")
        except OSError as error:
            raise UserError(f"Apache Kafka needs Java 17 or later: {error.strerror}") from error
        try:
            if not await process.wait(_FORMAT_SECONDS) or process.exit_code():
                raise UserError(f"Apache Kafka could not prepare {self._data}: {process.last_lines()}")
        finally:
            await process.end(kill=True)

    def _java(self, *flags: str) -> list[str]:
        common = ["-Xmx512m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        return ["java", *common, *flags, "-cp", self._class_path]

    def _command(self) -> list[str]:
        return [*self._java(), "kafka.Kafka", str(self._properties)]

    async def _is_ready(self) -> bool:
        return await answers(self.bootstrap)


async def answers(bootstrap: str) -> bool:
    """Whether a Kafka broker at `bootstrap` (host:port) answers a metadata request; one bounded look."""
    host, _, port = bootstrap.rpartition(":")
    if not await listens(host, int(port)):
        return False
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=_PROBE_MILLISECONDS)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
    return bool(cluster["brokers"])
