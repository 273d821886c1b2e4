"""What becomes of a request that takes too long, and of one that is ended by somebody else."""

import asyncio

import pytest
from structlog.testing import capture_logs

from service.api import deadline
from service.api.deadline import Deadline


class Late:
    """Counts how often it was said that the block is late."""

    def __init__(self) -> None:
        self.said = 0

    async def __call__(self) -> None:
        self.said += 1


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_a_block_that_is_in_time_hears_nothing() -> None:
    late = Late()
    async with Deadline(0.05, late):
        pass
    await asyncio.sleep(0.1)

    assert late.said == 0


async def test_a_late_block_is_cancelled_and_what_comes_after_it_goes_on() -> None:
    late, reached = Late(), False
    async with Deadline(0.01, late):
        await for_ever()
        reached = True

    task = asyncio.current_task()
    assert (late.said, reached) == (1, False)
    assert task is not None
    assert task.cancelling() == 0
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(for_ever(), 0.01)


async def test_it_is_said_before_the_block_is_cancelled() -> None:
    late = Late()
    async with Deadline(0.01, late):
        try:
            await for_ever()
        finally:
            assert late.said == 1
    assert late.said == 1


async def test_a_cancellation_that_was_swallowed_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "_LET_GO_SECONDS", 0.01)
    late, swallowed = Late(), 0
    async with Deadline(0.01, late):
        try:
            await for_ever()
        except asyncio.CancelledError:
            swallowed += 1
        await for_ever()

    assert (late.said, swallowed) == (1, 1)


async def test_a_block_that_never_lets_go_is_named_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "_LET_GO_SECONDS", 0.01)
    swallowed = 0
    with capture_logs() as lines:
        async with Deadline(0.01, Late()):
            while not lines:
                try:
                    await asyncio.sleep(0.01)
                except asyncio.CancelledError:
                    swallowed += 1

    assert [line["event"] for line in lines] == ["a request does not end"]
    assert swallowed == deadline._LET_GO_TRIES


async def test_a_cancellation_by_somebody_else_is_passed_on() -> None:
    late = Late()

    async def work() -> None:
        async with Deadline(5, late):
            await for_ever()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert late.said == 0


async def test_a_cancellation_by_somebody_else_is_passed_on_when_the_block_is_late_too() -> None:
    cleaning = asyncio.Event()

    async def work() -> None:
        async with Deadline(0.01, Late()):
            try:
                await for_ever()
            finally:
                cleaning.set()
                await asyncio.sleep(0.05)

    task = asyncio.create_task(work())
    await asyncio.wait_for(cleaning.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_block_is_passed_on_even_when_it_is_late() -> None:
    async def work() -> None:
        async with Deadline(0.01, Late()):
            try:
                await for_ever()
            except asyncio.CancelledError:
                raise ZeroDivisionError from None

    with pytest.raises(ZeroDivisionError):
        await work()
