"""Where a verb prints: as wide as the terminal, or of a fixed width where its output goes elsewhere."""

from typing import Final

from rich.console import Console

_PLAIN_WIDTH: Final = 200


def plain_console() -> Console:
    """For standard output."""
    console = Console()
    return console if console.is_terminal else Console(width=_PLAIN_WIDTH)
