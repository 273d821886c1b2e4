"""One log for all: our lines and the libraries', as JSON, or readable where somebody watches a terminal."""

import asyncio
import logging
import sys
import threading
import time
import warnings
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from runtime.log_privacy import describe_error, describe_foreign, short_path, type_name

OUR_LOGGERS = ("records", "audit", "runtime", "service", "worker", "local", "cli")
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
        if hasattr(record, "_logger"):  # ours: structlog puts this in
            return True
        if record.levelno < logging.WARNING:
            return False
        error = _error_of(record.exc_info)
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
    handler.setFormatter(_formatter(process, colours=sys.stderr.isatty()))
    handler.addFilter(LibraryFilter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    _take_over_libraries()
    for name in OUR_LOGGERS:
        logging.getLogger(name).setLevel(level)
    logging.raiseExceptions = False  # else a line that cannot be written is printed whole, data and all
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


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


def _formatter(process: str, *, colours: bool) -> logging.Formatter:
    def name_process(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    renderer: Processor
    if colours:
        renderer = structlog.dev.ConsoleRenderer()
    else:
        renderer = structlog.processors.JSONRenderer(default=lambda value: f"<{type_name(type(value))}>")
    return structlog.stdlib.ProcessorFormatter(
        use_get_message=False,
        pass_foreign_args=True,
        processors=[
            _describe,
            name_process,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            renderer,
        ],
    )


def _describe(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    record: logging.LogRecord = event["_record"]
    created = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    event["timestamp"] = created.replace("+00:00", "Z")
    event["level"], event["logger"] = record.levelname.lower(), record.name
    if not event["_from_structlog"]:
        event["event"] = describe_foreign(record.name, record.msg, event.pop("positional_args"))
        event["at"] = f"{short_path(record.pathname)}:{record.lineno} {record.funcName}"
    error = _error_of(event.pop("exc_info", None))
    if error is not None:
        event["errors"] = describe_error(error)
    event.pop("stack_info", None)
    return {name: type_name(type(v)) if isinstance(v, BaseException) else v for name, v in event.items()}


def _error_of(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    return sys.exc_info()[1] if exc_info else None
