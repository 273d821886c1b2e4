"""Our own lines: what a level lets through, what an object may show, and that no line stops the work."""

import dataclasses
import io
import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from runtime.log_lines import Lines, OurLogger

CANARY = "canary-51c0"


@dataclasses.dataclass
class Consumer:
    name: str = CANARY


class Stream(io.StringIO):
    """Takes no more once it is full."""

    full = False

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def logger(stream: io.StringIO) -> OurLogger:
    return OurLogger(Lines("test", logging.StreamHandler(stream)), "worker")


@pytest.mark.parametrize("value", [Consumer(), [Consumer()], {"of": Consumer()}, {CANARY}, CANARY.encode()])
def test_of_an_object_a_line_shows_the_type_alone(value: Any) -> None:
    stream = Stream()
    logger(stream).info("info", {"event": "odd", "value": value})

    assert CANARY not in stream.getvalue()
    assert json.loads(stream.getvalue())["event"] == "odd"


def test_times_are_shown_by_their_type_like_all_else_that_json_does_not_know() -> None:
    stream = Stream()
    logger(stream).info("info", {"event": "odd", "at": datetime.now(UTC)})

    assert json.loads(stream.getvalue())["at"] == "<datetime.datetime>"


@pytest.mark.parametrize("value", [2**70, "half a pair: \ud800", {1: "a number as a name"}])
def test_what_the_fast_writer_refuses_is_written_all_the_same(value: Any) -> None:
    stream = Stream()
    logger(stream).warning("warning", {"event": "odd", "value": value})

    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["process"]) == ("odd", "warning", "test")


def test_a_log_that_takes_no_more_stops_nobody() -> None:
    stream = Stream()
    ours = logger(stream)
    stream.full = True
    ours.error("error", {"event": "lost"})
    stream.full = False
    ours.error("error", {"event": "heard"})

    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["heard"]


def test_a_line_that_refers_to_itself_stops_nobody() -> None:
    stream, circle = Stream(), dict[str, Any]()
    circle["again"] = circle
    logger(stream).error("error", {"event": "circle", "value": circle})

    assert stream.getvalue() == ""
