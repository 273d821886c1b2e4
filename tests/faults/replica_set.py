"""Three mongods that make one replica set, for tests that kill, stop and demote its members."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from local.servers.mongod import REPLICA_SET, Mongod
from local.servers.process import HOST, listens
from tests.parts import ended

MEMBERS: Final = 3
ELECTION_MILLISECONDS: Final = 2000
PRIMARY_SECONDS: Final = 30
_CALL_MILLISECONDS: Final = 5000


class Member(Mongod):
    """One of several; it is ready as soon as it listens, for it may be no primary."""

    async def _is_ready(self) -> bool:
        return await listens(HOST, self.port)


class ReplicaSet:
    """Members that know each other."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = members

    @property
    def uri(self) -> str:
        hosts = ",".join(f"{HOST}:{member.port}" for member in self.members)
        return f"mongodb://{hosts}/?replicaSet={REPLICA_SET}"

    async def initiate(self) -> None:
        """Makes them one, and waits for its first primary."""
        members = [{"_id": n, "host": f"{HOST}:{each.port}"} for n, each in enumerate(self.members)]
        settings = {"electionTimeoutMillis": ELECTION_MILLISECONDS, "heartbeatIntervalMillis": 500}
        config = {"_id": REPLICA_SET, "members": members, "settings": settings}
        async with _client(self.members[0]) as client:
            await client.admin.command("replSetInitiate", config)
        await self.primary()

    async def primary(self) -> Member:
        """The member that is primary, as soon as there is one."""
        async with asyncio.timeout(PRIMARY_SECONDS):
            while True:
                for member in self.members:
                    if member.pid is not None and await _is_primary(member):
                        return member
                await asyncio.sleep(0.1)

    async def secondaries(self) -> list[Member]:
        primary = await self.primary()
        return [member for member in self.members if member is not primary]

    async def step_down(self) -> None:
        """Makes the primary hand over, whatever it is doing."""
        how = {"replSetStepDown": 5, "secondaryCatchUpPeriodSecs": 1, "force": True}
        async with _client(await self.primary()) as client:
            await client.admin.command(how)


def _client(member: Member) -> AsyncMongoClient[dict[str, Any]]:
    return AsyncMongoClient(HOST, member.port, directConnection=True, timeoutMS=_CALL_MILLISECONDS)


async def _is_primary(member: Member) -> bool:
    try:
        async with _client(member) as client:
            return bool((await client.admin.command("hello"))["isWritablePrimary"])
    except PyMongoError:
        return False


@asynccontextmanager
async def replica_set_in(folder: Path) -> AsyncIterator[ReplicaSet]:
    """A replica set of three, ended with the block."""
    async with AsyncExitStack() as stack:
        started = await asyncio.gather(*(Member.start(folder / f"member-{n}") for n in range(MEMBERS)))
        members = [await stack.enter_async_context(ended(member)) for member in started]
        made = ReplicaSet(members)
        await made.initiate()
        yield made
