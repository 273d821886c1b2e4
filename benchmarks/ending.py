"""How a benchmark ends: with its report, or one line, and nothing left behind."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol, TypeVar

import click
import orjson
from rich.console import Console

from runtime.errors import UserError

Result = TypeVar("Result")

_PLAIN_WIDTH: Final = 140


class _Report(Protocol):
    def as_json(self) -> dict[str, Any]: ...


Report = TypeVar("Report", bound=_Report)


def end_on_sigterm() -> None:
    """From now on SIGTERM cancels the current task, as Ctrl-C does: servers and data go with it."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - for the type checker: a coroutine runs in a task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def outcome(measuring: Coroutine[Any, Any, Result]) -> Result:
    """What it came to. Raises ClickException for what the user can mend, Abort when it was ended."""
    try:
        return asyncio.run(measuring)
    except UserError as error:
        raise click.ClickException(str(error)) from None
    except asyncio.CancelledError:
        raise click.Abort from None


def tell(report: Report, show: Callable[[Report, Console], None], *, as_json: bool) -> None:
    """Prints it, for programs or for people."""
    if as_json:
        click.echo(orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2).decode())
    else:
        show(report, Console() if sys.stdout.isatty() else Console(width=_PLAIN_WIDTH))
