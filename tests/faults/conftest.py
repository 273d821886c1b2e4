"""These tests run real processes."""

import sys
from collections.abc import AsyncIterator, Callable

import pytest

from local.servers.mongod_binary import find_mongod
from runtime.errors import UserError
from tests.e2e.fixtures import deployed
from tests.faults.replica_set import ReplicaSet, replica_set_in

__all__ = ["deployed"]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints a line that a run shows even if all is well."""

    def show(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{line}\n")
            sys.stdout.flush()

    return show


@pytest.fixture
async def replica_set(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ReplicaSet]:
    """Three members of their own."""
    try:
        find_mongod()
    except UserError as reason:
        pytest.skip(f"needs mongods of its own to stop and restart: {reason}")
    async with replica_set_in(tmp_path_factory.mktemp("members")) as made:
        yield made
