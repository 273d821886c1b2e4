"""A process whose loop is dead ends; one that moves, however slowly, goes on."""

import subprocess
import sys
import threading
import time

import structlog

from runtime.health import Health
from runtime.loop_guard import end_when_stuck

TICK = 0.01


def test_a_loop_that_stands_still_for_twice_the_stall_ends_the_process() -> None:
    ended, codes = threading.Event(), list[int]()

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    with structlog.testing.capture_logs() as lines:
        end_when_stuck(Health("127.0.0.1", 0, stall_seconds=5 * TICK), end, TICK)
        assert ended.wait(10)
    assert codes == [1]
    assert [line["log_level"] for line in lines] == ["critical"]


# Its loop hangs in a log line that nobody reads, and holds the lock of the log.
UNREAD = """
import structlog
from runtime.health import Health
from runtime.logs import configure_logging
from runtime.loop_guard import end_when_stuck

configure_logging("consume", "INFO")
end_when_stuck(Health("127.0.0.1", 0, stall_seconds=0.2), tick_seconds=0.1)
while True:
    structlog.get_logger("a test").warning("x" * 1000)
"""


def test_a_log_that_nobody_reads_does_not_hold_up_the_end() -> None:
    command = [sys.executable, "-c", UNREAD]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:  # noqa: S603 - our own words
        try:
            assert process.wait(30) == 1
        finally:
            process.kill()


def test_a_loop_that_moves_now_and_then_goes_on() -> None:
    health, codes = Health("127.0.0.1", 0, stall_seconds=50 * TICK), list[int]()
    end_when_stuck(health, codes.append, TICK)
    for _ in range(6):
        time.sleep(20 * TICK)
        health.beat()
    assert codes == []
