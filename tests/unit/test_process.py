"""Waiting for a server that is away."""

import asyncio

from runtime.process import sleep_unless, until_answered


class _AwayError(Exception):
    """What a server that is away makes of a call."""


async def test_waiting_ends_with_the_first_answer() -> None:
    calls = 0

    async def call() -> str:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise _AwayError
        return "there"

    assert await asyncio.wait_for(until_answered(call, _AwayError, asyncio.Event(), "it"), 10) == "there"


async def test_waiting_ends_when_the_process_is_to_stop() -> None:
    stopping = asyncio.Event()

    async def call() -> str:
        stopping.set()
        raise _AwayError

    assert await asyncio.wait_for(until_answered(call, _AwayError, stopping, "it"), 10) is None


async def test_a_sleep_is_cut_short_by_its_event_and_says_so() -> None:
    event = asyncio.Event()
    assert await sleep_unless(event, 0.01) is False
    event.set()
    assert await asyncio.wait_for(sleep_unless(event, 60), 1) is True
