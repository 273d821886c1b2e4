"""Brokers whose trail's topics refuse what is sent to them: no right, too small a limit, too few replicas."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import ClassVar, Final, Self

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest

from local.servers.apache_kafka import ApacheKafka
from local.servers.kafka_jars import kafka_class_path
from runtime.kafka import admin_client
from runtime.kafka_settings import Kafka
from runtime.settings import Settings
from runtime.topics import Topic, ensure_topics, partition_counts, wanted_topics
from tests.e2e.deployment import until
from tests.parts import ended
from tests.topic_limits import limited

_TINY: Final = 100
_TOPIC, _LITERAL = 2, 3
_ALL, _WRITE = 2, 4
_DENY, _ALLOW = 2, 3
_EVERYBODY: Final = ("User:ANONYMOUS", "*")
_OFFSETS: Final = Topic("__consumer_offsets", 1, {"cleanup.policy": "compact"})
_TOPIC_SECONDS: Final = 20.0


def _trail(kafka: Kafka) -> tuple[str, str]:
    return kafka.audit_topic, kafka.checkpoint_topic


class TooSmall:
    """A limit far below any event."""

    cause: ClassVar[str] = "its max.message.bytes is too small"

    def __init__(self, broker: ApacheKafka) -> None:
        self.bootstrap = broker.bootstrap

    @classmethod
    async def start(cls, folder: Path, stack: AsyncExitStack) -> Self:
        return cls(await stack.enter_async_context(ended(await ApacheKafka.start(folder / "kafka"))))

    async def make_topics(self, settings: Settings) -> None:
        await ensure_topics(settings)

    @asynccontextmanager
    async def refusal(self, kafka: Kafka) -> AsyncIterator[None]:
        audit, checkpoints = _trail(kafka)
        async with limited(kafka, audit, _TINY), limited(kafka, checkpoints, _TINY):
            yield


class Guarded(ApacheKafka):
    """Asks for rights; where a topic has no rule, everybody has them all."""

    def _settings(self) -> dict[str, str]:
        return super()._settings() | {
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "true",
        }


class NoRight:
    """A rule that denies writing, and nothing else."""

    cause: ClassVar[str] = "this user has no right to write to it"

    def __init__(self, broker: Guarded) -> None:
        self.bootstrap = broker.bootstrap

    @classmethod
    async def start(cls, folder: Path, stack: AsyncExitStack) -> Self:
        return cls(await stack.enter_async_context(ended(await Guarded.start(folder / "kafka"))))

    async def make_topics(self, settings: Settings) -> None:
        """Whoever has one rule about a topic needs one for all that he may do with it."""
        await ensure_topics(settings)
        async with admin_client(settings.kafka) as admin:
            for topic in _trail(settings.kafka):
                await _rule(admin, CreateAclsRequest(_TOPIC, topic, _LITERAL, *_EVERYBODY, _ALL, _ALLOW))

    @asynccontextmanager
    async def refusal(self, kafka: Kafka) -> AsyncIterator[None]:
        rules = [(_TOPIC, topic, _LITERAL, *_EVERYBODY, _WRITE, _DENY) for topic in _trail(kafka)]
        async with admin_client(kafka) as admin:
            for rule in rules:
                await _rule(admin, CreateAclsRequest(*rule))
            try:
                yield
            finally:
                for rule in rules:
                    await _rule(admin, DeleteAclsRequest(*rule))


async def _rule(admin: AIOKafkaAdminClient, request: CreateAclsRequest | DeleteAclsRequest) -> None:
    answer = (await admin._send_request(request)).to_object()
    (result,) = answer.get("creation_responses") or answer["filter_responses"]
    assert result["error_code"] == 0, result
    assert "matching_acls" not in result or len(result["matching_acls"]) == 1, result


class First(ApacheKafka):
    """Broker and controller, beside which another broker may run."""

    quorum: str

    def _settings(self) -> dict[str, str]:
        settings = super()._settings()
        self.quorum = settings["controller.quorum.voters"]
        return settings


class Second(ApacheKafka):
    """A broker of the first one's cluster, and no controller."""

    quorum: str

    @classmethod
    async def beside(cls, first: First, folder: Path) -> Self:
        server = cls(folder, None, await kafka_class_path())
        server.quorum = first.quorum
        await server._prepare()
        await server.launch()
        return server

    def _settings(self) -> dict[str, str]:
        return super()._settings() | {
            "process.roles": "broker",
            "node.id": "2",
            "listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.quorum.voters": self.quorum,
        }


class TooFewReplicas:
    """Two replicas that must both be in sync, and one of them is killed."""

    cause: ClassVar[str] = "fewer of its replicas are in sync than its min.insync.replicas asks for"

    def __init__(self, first: First, folder: Path, stack: AsyncExitStack) -> None:
        self._first, self._folder, self._stack = first, folder, stack
        self._second: Second | None = None
        self.bootstrap = first.bootstrap

    @classmethod
    async def start(cls, folder: Path, stack: AsyncExitStack) -> Self:
        first = await stack.enter_async_context(ended(await First.start(folder / "kafka")))
        return cls(first, folder, stack)

    async def make_topics(self, settings: Settings) -> None:
        """What is not of the trail stays where it cannot get lost."""
        order, *trail = wanted_topics(settings)
        second = await Second.beside(self._first, self._folder / "second")
        self._second = await self._stack.enter_async_context(ended(second))
        async with admin_client(settings.kafka) as admin:
            for topic in (order, _OFFSETS):
                await _make(admin, topic, [1], topic.config)
            for topic in trail:
                await _make(admin, topic, [1, 2], {**topic.config, "min.insync.replicas": "2"})

    @asynccontextmanager
    async def refusal(self, kafka: Kafka) -> AsyncIterator[None]:  # noqa: ARG002 - others need it
        assert self._second is not None
        await self._second.stop(kill=True)
        try:
            yield
        finally:
            await self._second.launch()


async def _make(
    admin: AIOKafkaAdminClient, topic: Topic, replicas: list[int], config: dict[str, str]
) -> None:
    where = dict.fromkeys(range(topic.partitions), replicas)
    answer = await admin.create_topics([NewTopic(topic.name, -1, -1, where, config)])
    assert [each[1] for each in answer.topic_errors] == [0], answer

    async def there() -> bool:
        return topic.name in await partition_counts(admin)

    await until(there, _TOPIC_SECONDS, f"the topic {topic.name} is there")
