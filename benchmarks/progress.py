"""How far a benchmark is: a bar on a terminal, elsewhere a line whenever something is done."""

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class Steps:
    """A bar over what is expected, or a line for all that is finished; `with` keeps the terminal in order."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("starting", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def expect(self, steps: int) -> None:
        """How many steps there will be."""
        self._bar.update(self._task, total=steps)

    def begin(self, what: str) -> None:
        """Names what is done now."""
        self._bar.update(self._task, description=what)

    def step(self, steps: int = 1) -> None:
        """So many steps are done."""
        self._bar.advance(self._task, steps)

    def end(self, what: str) -> None:
        """Says what is finished, where there is no bar."""
        if not self._console.is_terminal:
            self._console.print(what, soft_wrap=True, highlight=False)
