"""What may become of MongoDB: a primary demoted, killed, missed, or ahead of the others; wrong answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from pymongo import AsyncMongoClient

from tests.e2e.deployment import until
from tests.faults.replica_set import ReplicaSet

_STEP_DOWNS, _EVERY_SECONDS = 5, 5
_AWAY_SECONDS: Final = 30

SHUTTING_DOWN = {"errorCode": 91, "errorLabels": ["RetryableWriteError"]}
CONFLICT = {"errorCode": 112, "errorLabels": ["TransientTransactionError"]}
UNCONFIRMED = {"writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}}
HALF = {"activationProbability": 0.5}


async def demoted(members: ReplicaSet) -> None:
    """The primary steps down every five seconds."""
    for _ in range(_STEP_DOWNS):
        await members.step_down()
        await asyncio.sleep(_EVERY_SECONDS)


async def primary_killed(members: ReplicaSet) -> None:
    """The primary is killed, and comes back; so is the next."""
    for _ in range(2):
        victim = await members.primary()
        await victim.stop(kill=True)
        await asyncio.sleep(5)
        await victim.launch()


async def no_primary(members: ReplicaSet) -> None:
    """Two of three are away: nobody may be primary."""
    victims = await members.secondaries()
    await asyncio.gather(*(victim.stop(kill=True) for victim in victims))
    await asyncio.sleep(_AWAY_SECONDS)
    await asyncio.gather(*(victim.launch() for victim in victims))


async def rolled_back(members: ReplicaSet) -> None:
    """The primary writes what no other has, and the others go on without it."""
    old, others = await members.primary(), await members.secondaries()
    await asyncio.gather(*(other.stop(kill=True) for other in others))
    await asyncio.sleep(1)
    await old.stop(kill=True)
    await asyncio.gather(*(other.launch() for other in others))
    await members.primary()
    await asyncio.sleep(2)
    await old.launch()
    log = old.folder / "mongod.log"

    async def back() -> bool:
        return '"c":"ROLLBACK"' in log.read_text(errors="replace")

    await until(back, 20, "the former primary rolls back")


@asynccontextmanager
async def wrong_answers(uri: str, command: str, mode: Any, how: dict[str, Any]) -> AsyncIterator[None]:
    """Within the block this command fails for our processes; the server must allow test commands."""
    data = {"failCommands": [command], "appName": "order-records", **how}
    async with AsyncMongoClient[dict[str, Any]](uri) as client:
        await client.admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": data})
        yield
        off = await client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})
    assert off["count"] > 0, "no command failed"


PRIMARY: Final = [demoted, primary_killed, no_primary, rolled_back]
COMMITS: Final = [
    pytest.param("commitTransaction", "alwaysOn", SHUTTING_DOWN, id="commits meet a shutdown"),
    pytest.param("commitTransaction", "alwaysOn", {"closeConnection": True}, id="commits break off"),
    pytest.param("commitTransaction", "alwaysOn", UNCONFIRMED, id="commits stay unconfirmed"),
    pytest.param("commitTransaction", HALF, {"closeConnection": True}, id="every second breaks off"),
]
"""Command, mode and answer of `wrong_answers`."""
SOCKETS_ARE_LEFT: Final = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""PyMongo leaves sockets of a killed server to the garbage collector."""
