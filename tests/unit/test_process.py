"""Waiting for a server that is away, and ending in order."""

import asyncio
import subprocess
import sys
from typing import Final

import pytest

from runtime.errors import UserError
from runtime.process import finish_unless, sleep_unless, told, until_answered

_STOPPED_TWICE: Final = """
import os, signal
from runtime.process import run
from runtime.settings import load_settings

async def main(settings, health, stopping):
    os.kill(os.getpid(), signal.SIGTERM)
    await stopping.wait()

run("work", load_settings({"ORDER_RECORDS_HEALTH__PORT": "0"}), main)
assert signal.getsignal(signal.SIGTERM) is signal.getsignal(signal.SIGINT) is signal.SIG_IGN
"""


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


async def test_waiting_ends_at_once_though_the_call_hangs() -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, stopping.set)
    hangs = asyncio.Event().wait
    assert await asyncio.wait_for(until_answered(hangs, _AwayError, stopping, "it"), 2) is None


async def test_work_is_cancelled_when_its_event_comes_first_and_its_error_passes_through() -> None:
    event, cancelled = asyncio.Event(), asyncio.Event()

    async def work() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return "done"

    async def fail() -> None:
        raise _AwayError

    asyncio.get_running_loop().call_later(0.05, event.set)
    assert await asyncio.wait_for(finish_unless(event, work()), 2) is None
    assert cancelled.is_set()
    with pytest.raises(_AwayError):
        await finish_unless(asyncio.Event(), fail())


def test_only_our_own_errors_are_told_with_their_text() -> None:
    assert told(OSError("/home/erika")) == "OSError"
    assert told(_AwayError("foreign")) == "_AwayError"
    assert told(UserError("do this")) == "UserError: do this"


def test_a_second_stop_while_a_process_ends_does_not_spoil_its_clean_end() -> None:
    ended = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", _STOPPED_TWICE], timeout=30, check=False, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr.count("Traceback")) == (0, 0), ended.stderr
