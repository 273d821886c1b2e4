"""What may be said about errors and about the log lines of libraries, without saying what was in them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from runtime.errors import UserError

MAX_FRAMES = 30
MAX_ERRORS = 10
MAX_TEXT = 200

# Whose text arguments are shown. Every log call of the pinned aiokafka was read: its texts are hosts, topics,
# groups and members, never a part of a record; what could be one comes as an exception, shown by its type.
READ_LIBRARIES = ("aiokafka",)


def describe_error(error: BaseException) -> list[dict[str, Any]]:
    """The types and frames of an error and of those behind it, outermost first.

    Never a message, an argument or a variable: the errors of drivers and validators carry whole documents
    (pitfalls M11 and F20). Our own UserError is written for the user, so its text is kept.
    """
    return [_describe_one(each) for each in _chain(error)]


def _chain(error: BaseException) -> Iterator[BaseException]:
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < MAX_ERRORS:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        behind = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
        if behind is not None:
            waiting.append(behind)


def _describe_one(error: BaseException) -> dict[str, Any]:
    described: dict[str, Any] = {"type": type_name(type(error)), "frames": _frames(error.__traceback__)}
    if isinstance(error, UserError):
        described["text"] = str(error)
    return described


def _frames(traceback: TracebackType | None) -> list[str]:
    frames: list[str] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{short_path(code.co_filename)}:{traceback.tb_lineno} {code.co_qualname}")
        traceback = traceback.tb_next
    return frames[-MAX_FRAMES:]


def short_path(path: str) -> str:
    """The last three parts of a path: enough to find the file, nothing about the machine."""
    return "/".join(Path(path).parts[-3:])


def type_name(kind: type) -> str:
    """The full name of a class; the builtins without their module."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def describe_foreign(logger: str, message: object, args: Any) -> str:
    """A library's message with everything left out that may be data.

    One rule. A message with arguments has a fixed template, which is shown, with numbers and classes filled
    in as they are, exceptions and all else by their type. A message without arguments may have been put
    together from data (FastStream's and asyncio's hold the error's text), so it is withheld; the line still
    names logger, file, line and error types. Only for READ_LIBRARIES texts are shown as well.
    """
    texts = logger.partition(".")[0] in READ_LIBRARIES
    if not args:
        return _shorten(message) if texts and isinstance(message, str) else "message withheld"
    template = message if isinstance(message, str) else type_name(type(message))
    try:
        return _shorten(template % _safe_arguments(args, texts=texts))
    except (TypeError, ValueError, KeyError):
        return _shorten(template)


def _safe_arguments(args: Any, *, texts: bool) -> Any:
    if isinstance(args, Mapping):
        return {name: safe_value(value, texts=texts) for name, value in args.items()}
    return tuple(safe_value(value, texts=texts) for value in args)


def safe_value(value: object, *, texts: bool) -> object:
    """Numbers and classes as they are, texts where allowed, all else by its type."""
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, type):
        return type_name(value)
    if isinstance(value, str) and texts:
        return value
    return f"<{type_name(type(value))}>"


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "..."
