"""`serve` on a replica set whose primary is demoted, killed, missed or rolled back, while clients go on."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.api_app import order
from tests.e2e.deployment import until
from tests.faults.disturbances import PRIMARY, SOCKETS_ARE_LEFT
from tests.faults.replica_set import ReplicaSet
from tests.running_serve import ANSWER_SECONDS, RunningServe, running_serve

pytestmark = [pytest.mark.faults, SOCKETS_ARE_LEFT]

CLIENTS: Final = 4
RECOVERY_SECONDS: Final = 20.0
"""An election, and what `serve` needs to find out."""


class Client:
    """Puts one order after the other, each until it is stored, and keeps what it was told."""

    def __init__(self, serve: RunningServe, first: int) -> None:
        self._http = serve.client
        self._first = first
        self.stored: dict[str, str] = {}
        self.ended = False

    async def run(self) -> None:
        number = self._first
        while not self.ended:
            wanted = order(number)
            await self._until_stored(wanted)
            number += 1

    async def _until_stored(self, wanted: dict[str, Any]) -> None:
        while True:
            answer = await self._ask("PUT", "/api/orderrecords", {"operations": [wanted]})
            if answer.status_code == 200:
                (detail,) = answer.json()["details"]
                assert detail["status"] in {"CREATED", "UNCHANGED"}
                self.stored[detail["orderRecord"]["id"]] = wanted["tenantOrderRecordId"]
                return
            await asyncio.sleep(0.2)

    async def find(self, record_id: str) -> dict[str, Any]:
        """What `serve` answers once it does."""
        async with asyncio.timeout(RECOVERY_SECONDS):
            while True:
                answer = await self._ask("GET", f"/api/orderrecords/{record_id}", None)
                if answer.status_code == 200:
                    found: dict[str, Any] = answer.json()
                    return found

    async def _ask(self, method: str, path: str, body: Any) -> httpx.Response:
        """A good answer, or one that says when to come again; TimeoutError when it is not whole in time."""
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await self._http.request(method, path, json=body)
        assert answer.status_code in {200, 503}, answer.text
        if answer.status_code == 503:
            assert 1 <= int(answer.headers["retry-after"]) <= 5
        return answer


async def stored_names(serve: RunningServe) -> AsyncIterator[str]:
    async for each in serve.database.records.find({}, {"tenantOrderRecordId": True}):
        yield each["tenantOrderRecordId"]


@pytest.mark.parametrize("fault", PRIMARY)
async def test_whatever_becomes_of_the_primary_what_a_client_was_told_is_stored_once_and_answers_come_in_time(
    replica_set: ReplicaSet, tmp_path: Path, fault: Any
) -> None:
    async with running_serve(replica_set.uri, "members", tmp_path) as serve:
        clients = [Client(serve, 10_000 * (number + 1)) for number in range(CLIENTS)]
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(client.run())
            await asyncio.sleep(2)
            await fault(replica_set)
            before = [len(client.stored) for client in clients]

            async def gone_on() -> bool:
                return all(len(each.stored) > count + 1 for each, count in zip(clients, before, strict=True))

            await until(gone_on, RECOVERY_SECONDS, "every client is served again")
            for client in clients:
                client.ended = True
        for client in clients:
            for record_id, name in list(client.stored.items())[-50:]:
                assert (await client.find(record_id))["tenantOrderRecordId"] == name
        told = [name for client in clients for name in client.stored.values()]
        assert sorted([name async for name in stored_names(serve)]) == sorted(told)
        assert serve.process.process.exit_code() is None
