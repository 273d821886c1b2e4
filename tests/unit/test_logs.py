"""No log line tells what was in an order, whoever writes it."""

import asyncio
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from pydantic import BaseModel
from pymongo.errors import BulkWriteError

from runtime import logs
from runtime.errors import UserError

CANARY = "canary-7f3a"


class Stream(io.StringIO):
    terminal = False

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    stream = Stream()
    monkeypatch.setattr(sys, "stderr", stream)
    for owner, name in [(sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")]:
        monkeypatch.setattr(owner, name, getattr(owner, name))
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure_logging("test", "DEBUG")
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(output: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


class Person(BaseModel):
    age: int


def plain() -> None:
    raise ValueError(CANARY, {"name": CANARY})


def missing() -> None:
    raise KeyError(CANARY)


def chained() -> None:
    try:
        missing()
    except KeyError as error:
        raise RuntimeError(CANARY) from error


def during_another() -> None:
    try:
        missing()
    except KeyError:
        raise RuntimeError(CANARY)  # noqa: B904 (the implicit chain is the case)


def grouped() -> None:
    raise ExceptionGroup(CANARY, [ValueError(CANARY), OSError(1, CANARY, CANARY)])


def noted() -> None:
    error = ValueError("x")
    error.add_note(CANARY)
    raise error


def validation() -> None:
    Person.model_validate({"age": CANARY})


def bulk_write() -> None:
    raise BulkWriteError({"writeErrors": [{"code": 11000, "op": {"_id": CANARY}, "errmsg": CANARY}]})


CARRIERS = [plain, chained, during_another, grouped, noted, validation, bulk_write]


@pytest.fixture(params=CARRIERS, ids=lambda carrier: str(carrier.__name__))
def error(request: pytest.FixtureRequest) -> Exception:
    carrier: Callable[[], None] = request.param
    try:
        carrier()
    except Exception as error:  # noqa: BLE001 (whatever it is)
        return error
    raise AssertionError("the carrier raised nothing")


def test_our_own_line_names_the_error_by_type_and_frames_alone(output: io.StringIO, error: Exception) -> None:
    structlog.get_logger("records.store").error("store failed", exc_info=error, cause=error)

    assert CANARY not in output.getvalue()
    (line,) = lines(output)
    assert line["errors"][0]["type"].endswith(type(error).__name__)
    assert any("test_logs.py:" in frame for frame in line["errors"][0]["frames"])


def test_a_librarys_line_shows_neither_its_text_nor_its_error(output: io.StringIO, error: Exception) -> None:
    for name in ("asyncio", "faststream", "pymongo", "apscheduler.scheduler", "aiokafka.consumer"):
        logger = logging.getLogger(name)
        logger.error("%s went wrong: %r", error, {"order": error}, exc_info=error)
        if name != "aiokafka.consumer":
            logger.error(f"future: {error!r} {CANARY}", exc_info=error)  # noqa: G004 (as they do it)
            logger.error("bad record %s", CANARY)

    assert CANARY not in output.getvalue()
    assert len(lines(output)) == 13


def test_uncaught_errors_of_threads_and_of_the_loop_are_logged_without_their_text(
    output: io.StringIO, error: Exception
) -> None:
    loop = asyncio.new_event_loop()
    logs.install_exception_handlers(loop)

    sys.excepthook(type(error), error, error.__traceback__)
    threading.excepthook(threading.ExceptHookArgs((type(error), error, error.__traceback__, None)))
    loop.call_exception_handler({"message": CANARY, "exception": error, "future": CANARY})
    loop.close()

    assert CANARY not in output.getvalue()
    assert [line["level"] for line in lines(output)] == ["critical", "critical", "error"]


def test_a_chain_names_every_error_in_it(output: io.StringIO) -> None:
    try:
        chained()
    except RuntimeError:
        structlog.get_logger("worker").exception("sweep failed")

    (line,) = lines(output)
    assert [each["type"] for each in line["errors"]] == ["RuntimeError", "KeyError"]


def test_the_text_of_a_user_error_is_kept(output: io.StringIO) -> None:
    structlog.get_logger("cli").error("stopped", exc_info=UserError("set ORDER_RECORDS_API__PORT"))

    assert lines(output)[0]["errors"][0]["text"] == "set ORDER_RECORDS_API__PORT"


def test_our_lines_carry_process_level_logger_and_utc_time_in_milliseconds(output: io.StringIO) -> None:
    structlog.get_logger("service.consumer").debug("stored", records=3)

    (line,) = lines(output)
    assert line.pop("timestamp")[-5:-4] == "."
    assert line == {
        "event": "stored",
        "records": 3,
        "level": "debug",
        "logger": "service.consumer",
        "process": "test",
    }


def test_aiokafka_is_quoted_with_names_and_numbers(output: io.StringIO) -> None:
    logging.getLogger("aiokafka").error('Unable connect to "%s:%s": %s', "kafka", 9092, OSError(CANARY))

    assert lines(output)[0]["event"] == 'Unable connect to "kafka:9092": <OSError>'


def test_numbers_of_other_libraries_are_quoted_and_their_texts_are_not(output: io.StringIO) -> None:
    logging.getLogger("apscheduler").warning("job %s missed by %d s", CANARY, 3)

    assert lines(output)[0]["event"] == "job <str> missed by 3 s"


def test_a_library_that_brought_its_own_handler_is_heard_through_ours_alone(output: io.StringIO) -> None:
    own = io.StringIO()
    library = logging.getLogger("own.handler")
    library.addHandler(logging.StreamHandler(own))
    library.propagate = False

    logs.configure_logging("test")
    library.warning(CANARY)

    assert own.getvalue() == ""
    assert CANARY not in output.getvalue()


def test_libraries_are_silent_below_warning_even_if_they_set_their_own_level(output: io.StringIO) -> None:
    library = logging.getLogger("pymongo.command")
    library.setLevel(logging.DEBUG)
    try:
        library.debug("Command started %s", 1)
        library.info("Command started %s", 1)
    finally:
        library.setLevel(logging.NOTSET)

    assert output.getvalue() == ""


def test_the_same_place_in_a_library_is_heard_once_a_minute_and_ours_each_time(output: io.StringIO) -> None:
    for _ in range(3):
        logging.getLogger("aiokafka").error("no broker")
        structlog.get_logger("worker").warning("waiting")

    assert [line["event"] for line in lines(output)] == ["no broker", "waiting", "waiting", "waiting"]


def test_a_line_that_cannot_be_formatted_says_so_without_its_arguments(output: io.StringIO) -> None:
    template = "%d and %s"
    logging.getLogger("other").error(template, CANARY)
    structlog.get_logger("worker").error("odd value", value=Person(age=3))

    assert CANARY not in output.getvalue()
    assert [line["event"] for line in lines(output)] == ["%d and %s", "odd value"]


def test_a_warning_is_logged_by_its_category(output: io.StringIO) -> None:
    logs.install_exception_handlers()

    warnings.showwarning(UserWarning(f"serialized unexpected value {CANARY}"), UserWarning, "/a/b/c/d.py", 7)

    (line,) = lines(output)
    assert (line["category"], line["at"]) == ("UserWarning", "b/c/d.py:7")
    assert CANARY not in output.getvalue()


def test_on_a_terminal_the_line_is_readable_and_as_silent(
    output: io.StringIO, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(Stream, "terminal", True)
    monkeypatch.setattr(sys, "stderr", output)
    logs.configure_logging("test")

    structlog.get_logger("worker").error("sweep failed", exc_info=error)

    assert "sweep failed" in output.getvalue()
    assert not output.getvalue().startswith("{")
    assert CANARY not in output.getvalue()
