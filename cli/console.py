"""Where a verb prints: as wide as the terminal, or of a fixed width where its output goes elsewhere."""

from typing import Final

from rich.console import Console
from rich.progress import Progress, ProgressColumn

_PLAIN_WIDTH: Final = 200


def plain_console() -> Console:
    """For standard output."""
    console = Console()
    return console if console.is_terminal else Console(width=_PLAIN_WIDTH)


def progress_on_stderr(*columns: ProgressColumn) -> Progress:
    """A bar on standard error, where that is a terminal; nothing elsewhere."""
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
