"""What was signed so far is raised in order and never lowered, by one notary at a time."""

import asyncio

import pytest

from audit.checkpoints import Checkpoint
from audit.following import Fault, TrailFault
from records.mongo.client import Database
from records.mongo.signed import raise_signed, signed_so_far
from worker.floor import FloorMoved, StoredFloor

LOG = "a-log"


def root(number: int) -> bytes:
    return bytes([number]) * 32


def checkpoint(size: int, number: int = 1) -> Checkpoint:
    return Checkpoint(LOG, size, root(number))


async def test_it_is_raised_from_what_it_was_and_from_nothing_else(database: Database) -> None:
    assert await signed_so_far(database, LOG) is None
    assert not await raise_signed(database, LOG, (3, root(3)), (5, root(5)))
    assert await raise_signed(database, LOG, None, (0, root(1)))
    assert not await raise_signed(database, LOG, None, (5, root(5)))
    assert await raise_signed(database, LOG, (0, root(1)), (5, root(5)))
    assert not await raise_signed(database, LOG, (5, root(6)), (9, root(9)))
    assert await signed_so_far(database, LOG) == (5, root(5))


async def test_it_is_never_lowered(database: Database) -> None:
    assert await raise_signed(database, LOG, None, (5, root(5)))
    for to in ((5, root(5)), (4, root(4))):
        with pytest.raises(ValueError, match="raised"):
            await raise_signed(database, LOG, (5, root(5)), to)
    assert await signed_so_far(database, LOG) == (5, root(5))


async def test_another_trail_of_this_database_begins_anew(database: Database) -> None:
    assert await raise_signed(database, LOG, None, (5, root(5)))
    assert await signed_so_far(database, "another-log") is None
    assert await raise_signed(database, "another-log", None, (1, root(1)))
    assert await signed_so_far(database, "another-log") == (1, root(1))
    assert await signed_so_far(database, LOG) is None


async def test_of_many_at_once_one_raises_it(database: Database) -> None:
    raised = await asyncio.gather(*(raise_signed(database, LOG, None, (n, root(n))) for n in range(1, 6)))
    assert sum(raised) == 1


async def test_a_notary_that_was_overtaken_looks_again_and_then_goes_on_from_there(
    database: Database,
) -> None:
    first, second = StoredFloor(database, LOG), StoredFloor(database, LOG)
    assert await first.look() is None
    await first.raise_to(checkpoint(0))
    assert await second.look() == checkpoint(0)
    await second.raise_to(checkpoint(7))
    await first.raise_to(checkpoint(0))
    with pytest.raises(FloorMoved):
        await first.raise_to(checkpoint(8))
    assert await first.look() == checkpoint(7)
    await first.raise_to(checkpoint(8))
    assert await signed_so_far(database, LOG) == (8, root(1))


async def test_what_does_not_contain_it_is_a_fault(database: Database) -> None:
    floor = StoredFloor(database, LOG)
    await floor.raise_to(checkpoint(7))
    for other in (checkpoint(6), checkpoint(7, number=2)):
        with pytest.raises(TrailFault) as raised:
            await floor.raise_to(other)
        assert raised.value.fault is Fault.DIFFERENT
