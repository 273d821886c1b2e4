"""Kafka Connect with the MongoDB sink: what an operator would take instead of `consume`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import httpx

from local.servers.kafka_jars import class_path
from local.servers.process import HOST
from local.servers.server import Server
from runtime.errors import UserError

CONNECT_VERSION: Final = "4.3.1"  # these two are the ones in connect-pom.xml
SINK_VERSION: Final = "2.0.1"
_POM: Final = Path(__file__).with_name("connect-pom.xml")
_SECONDS: Final = 30.0
_PROBE_SECONDS: Final = 2.0
_TOLD_CHARACTERS: Final = 300
_STRINGS: Final = "org.apache.kafka.connect.storage.StringConverter"
_SINK: Final = "com.mongodb.kafka.connect.sink"

# What Kafka's own start scripts give to Connect.
_JAVA: Final = (
    "-Xms256M",
    "-Xmx2G",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
)

REPLACE: Final[Mapping[str, str]] = {
    "document.id.strategy": f"{_SINK}.processor.id.strategy.PartialValueStrategy",
    "document.id.strategy.partial.value.projection.type": "AllowList",
    "document.id.strategy.partial.value.projection.list": "tenantOrderRecordId",
    "writemodel.strategy": f"{_SINK}.writemodel.strategy.ReplaceOneDefaultStrategy",
}
"""Idempotent: the business key is the `_id`, so no index more than ours is needed to find it."""
INSERT: Final[Mapping[str, str]] = {
    "document.id.strategy": f"{_SINK}.processor.id.strategy.BsonOidStrategy",
    "writemodel.strategy": f"{_SINK}.writemodel.strategy.InsertOneDefaultStrategy",
}
"""A redelivery stores everything twice."""


class Connect(Server):
    """One worker in standalone mode; connectors come and go over its REST interface."""

    name: ClassVar[str] = "connect"
    ready_seconds: ClassVar[float] = 90.0

    def __init__(self, folder: Path, jars: str) -> None:
        super().__init__(folder, None)
        self._jars = jars
        self._address = f"http://{HOST}:{self.port}"

    @classmethod
    async def start(cls, folder: Path, bootstrap: str) -> Self:
        """Fetches it on first use, starts it and waits until it answers; else raises UserError."""
        what = f"Kafka Connect {CONNECT_VERSION} with the MongoDB sink {SINK_VERSION}"
        worker = cls(
            folder, await class_path(_POM, f"connect-{CONNECT_VERSION}-mongodb-{SINK_VERSION}", what)
        )
        settings = {
            "bootstrap.servers": bootstrap,
            "listeners": worker._address,
            "key.converter": _STRINGS,
            "value.converter": _STRINGS,
            "offset.storage.file.filename": str(folder / "offsets"),
        }
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        worker._properties.write_text(lines, encoding="utf-8")
        await worker.launch()
        return worker

    @property
    def source(self) -> str:
        return f"Kafka Connect {CONNECT_VERSION}, MongoDB sink {SINK_VERSION}"

    @property
    def _properties(self) -> Path:
        return self.folder / "worker.properties"

    def _command(self) -> list[str]:
        main = "org.apache.kafka.connect.cli.ConnectStandalone"
        return ["java", *_JAVA, "-cp", self._jars, main, str(self._properties)]

    async def _is_ready(self) -> bool:
        try:
            async with httpx.AsyncClient(timeout=_PROBE_SECONDS) as client:
                return (await client.get(self._address)).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    async def create(
        self, name: str, topic: str, mongo: tuple[str, str], strategy: Mapping[str, str]
    ) -> None:
        """Starts a sink of two tasks from the topic's beginning into `records` of (uri, database)."""
        uri, database = mongo
        config = {
            "connector.class": "com.mongodb.kafka.connect.MongoSinkConnector",
            "tasks.max": "2",
            "topics": topic,
            "connection.uri": f"{uri}&w=majority&journal=true",
            "database": database,
            "collection": "records",
            "bulk.write.ordered": "false",
            "consumer.override.max.poll.records": "1000",
            **strategy,
        }
        await self._call("PUT", f"connectors/{name}/config", config)

    async def delete(self, name: str) -> None:
        """Ends a sink."""
        await self._call("DELETE", f"connectors/{name}")

    async def fault(self, name: str) -> str | None:
        """The end of what a failed task says; None while all is well."""
        status = await self._call("GET", f"connectors/{name}/status")
        for part in (status["connector"], *status["tasks"]):
            if part["state"] == "FAILED":
                causes = [line for line in part["trace"].splitlines() if not line.startswith("\tat ")]
                return f"the sink failed: {' | '.join(causes)[-_TOLD_CHARACTERS:]}"
        return None

    async def _call(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        try:
            async with httpx.AsyncClient(timeout=_SECONDS) as client:
                answer = await client.request(method, f"{self._address}/{path}", json=body)
        except httpx.HTTPError as error:
            raise UserError(f"Kafka Connect does not answer: {type(error).__name__}") from None
        if answer.is_error:
            raise UserError(f"Kafka Connect refuses {method} {path}: {answer.text[:_TOLD_CHARACTERS]}")
        return answer.json() if answer.content else None
