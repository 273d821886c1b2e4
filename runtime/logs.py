"""One log for all: our lines and the libraries', as JSON, or readable where somebody watches a terminal."""

import asyncio
import logging
import sys
import threading
import time
import warnings
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, ProcessorReturnValue, WrappedLogger

from runtime.log_lines import Lines, OurLogger, error_of
from runtime.log_privacy import describe_foreign, short_path, type_name

_KAFKA = "aiokafka"
REPEAT_SECONDS = 60.0

log = structlog.get_logger(__name__)


class LibraryFilter(logging.Filter):
    """Lets a library's line through from WARNING on, and once a minute for each place in its source
    and type of error.

    Below WARNING they write commands and records; during an outage of Kafka the client writes the same line
    several times a second (pitfall A6.11).
    """

    def __init__(self) -> None:
        super().__init__()
        self._next: dict[tuple[str, str, int, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return False
        error = error_of(record.exc_info)
        kind = "" if error is None else type_name(type(error))
        place, now = (record.name, record.pathname, record.lineno, kind), time.monotonic()
        if now < self._next.get(place, now):
            return False
        self._next[place] = now + REPEAT_SECONDS
        return True


def configure_logging(process: str, level: str = "INFO") -> None:
    """Every line goes to stderr, with `process` in it: JSON, or readable text when stderr is a terminal.

    `level` is the least level of our own lines. Libraries stay at WARNING whatever it is: their DEBUG lines
    hold commands and records. Call it after the imports: a library that brings its own handler when imported
    (FastStream does) is brought back under this one.
    """
    handler = logging.StreamHandler(sys.stderr)
    lines = Lines(process, handler)
    handler.setFormatter(_LibraryFormatter(lines))
    handler.addFilter(LibraryFilter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_KAFKA).setLevel(logging.NOTSET)  # whoever configures anew begins anew
    _take_over_libraries()
    logging.raiseExceptions = False  # else a line that cannot be written is printed whole, data and all
    structlog.configure(
        processors=[_from(level)],
        logger_factory=lambda name="", *_: OurLogger(lines, name),
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
    )


def configure_verb_logging(verb: str) -> None:
    """For a verb that a person runs: warnings only, and not a word of Kafka's client, which complains of the
    very things that the verb says in its own one line.
    """
    configure_logging(verb, "WARNING")
    logging.getLogger(_KAFKA).setLevel(logging.CRITICAL)


def _from(least: str) -> Processor:
    """Hands lines of at least this level over."""
    numbers = {name.lower(): number for name, number in logging.getLevelNamesMapping().items()}

    def hand_over(_: WrappedLogger, level: str, fields: EventDict) -> ProcessorReturnValue:
        if numbers[level] < numbers[least.lower()]:
            raise structlog.DropEvent
        return (level, fields), {}

    return hand_over


class _LibraryFormatter(logging.Formatter):
    """Gives the lines of libraries the form of ours, with what may be said of them."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "event": describe_foreign(record.name, record.msg, record.args),
            "at": f"{short_path(record.pathname)}:{record.lineno} {record.funcName}",
            "exc_info": record.exc_info,
        }
        level = record.levelname.lower()
        return self._lines.text(fields, logger=record.name, level=level, created=record.created)


def _take_over_libraries() -> None:
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            logger.handlers.clear()
            logger.propagate = True


def install_exception_handlers(loop: asyncio.AbstractEventLoop | None = None) -> None:
    """Errors that nobody caught and warnings go through the same log: those of all threads and of `loop`.

    Python's own handlers would print messages, arguments and, for warnings of pydantic, the data itself.
    """
    sys.excepthook = _on_uncaught
    threading.excepthook = lambda args: _on_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: _on_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    warnings.showwarning = _on_warning
    if loop is not None:
        loop.set_exception_handler(_on_loop_error)


def _on_uncaught(
    kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    log.critical("uncaught error", exc_info=(kind, error or kind(), traceback))


def _on_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,  # noqa: ARG001 (the signature of warnings.showwarning)
    line: str | None = None,  # noqa: ARG001
) -> None:
    text = str(message) if issubclass(category, DeprecationWarning) else "message withheld"
    log.warning("warning", category=type_name(category), at=f"{short_path(filename)}:{lineno}", text=text)


def _on_loop_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if error is not None:
        log.error("uncaught error in the event loop", exc_info=(type(error), error, error.__traceback__))
    else:
        # Without an error asyncio's messages are fixed texts: "Task was destroyed but it is pending!".
        log.error("event loop", text=context.get("message", ""))
