"""The fixture of the tests that run real processes."""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest

from records.mongo.client import open_database
from records.policy import GdprPolicy
from tests.e2e.deployment import Deployment, deploy

Deploy = Callable[[str, str, GdprPolicy], Awaitable[Deployment]]
LONG: Final = GdprPolicy(retention_time=3000, deletion_time_after_retention=3000, version=1)
"""With days of a second: nothing becomes due while a test runs."""


@pytest.fixture
async def deployed(
    fresh_database: str, topic_names: Callable[[str], str], tmp_path: Path
) -> AsyncIterator[Deploy]:
    """Makes a deployment on given servers (MongoDB's address, Kafka's); its processes end with the test."""
    folder = tmp_path / "processes"
    folder.mkdir()
    async with AsyncExitStack() as stack:

        async def make(uri: str, bootstrap: str, policy: GdprPolicy) -> Deployment:
            database = await stack.enter_async_context(open_database(uri, fresh_database))
            processes = await stack.enter_async_context(AsyncExitStack())
            return await deploy(database, uri, bootstrap, topic_names, folder, processes, policy)

        yield make
    gc.collect()  # sockets that the driver dropped with a killed server are found here, not in another test
