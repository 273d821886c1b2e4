"""What the demo shows: a live view on a terminal, a line every five seconds elsewhere."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from local.demo.api import Api
from local.demo.claims import Claim
from local.demo.figures import Example, Figures
from local.demo.trail import Trail

LINE_SECONDS: Final = 5.0
_EXAMPLE_LINES: Final = 16
_WIDTH: Final = 56


class View:
    """Shows figures as they come; `with` keeps the terminal in order."""

    def __init__(self, console: Console, api: Api) -> None:
        self._console = console
        self._api = api
        self._live = (
            Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        )
        self._next_line = 0.0

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, elapsed: float, figures: Figures, trail: Trail, example: Example) -> None:
        """Brings what is shown up to date; elapsed is in seconds since the start."""
        if self._live:
            self._live.update(_picture(elapsed, figures, trail, example, self._api), refresh=True)
        elif elapsed >= self._next_line:
            self._next_line = elapsed + LINE_SECONDS
            self._console.print(_line(elapsed, figures), soft_wrap=True, highlight=False)


def _line(elapsed: float, figures: Figures) -> str:
    due = "-" if figures.next_due_seconds is None else f"{figures.next_due_seconds:.1f} s"
    return (
        f"{elapsed:5.0f} s  sent {figures.sent}  stored {figures.stored}  unchanged {figures.unchanged}  "
        f"quarantined {figures.quarantined}  anonymized {figures.anonymized}  deleted {figures.deleted}  "
        f"due next in {due}  overdue {figures.overdue}  audit events {figures.audit_events}"
    )


def _picture(elapsed: float, figures: Figures, trail: Trail, example: Example, api: Api) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    due = "-" if figures.next_due_seconds is None else f"in {figures.next_due_seconds:.1f} s"
    rows = (
        ("events in", figures.sent, "anonymized", figures.anonymized),
        ("stored", figures.stored, "deleted", figures.deleted),
        ("unchanged", figures.unchanged, "due next", due),
        ("quarantined", figures.quarantined, "overdue", figures.overdue),
        ("held now", figures.held, "audit events", figures.audit_events),
    )
    for left, number, right, value in rows:
        table.add_row(left, f"[bold]{number}[/]", right, f"[bold]{value}[/]")
    if not figures.mongo_answers:
        table.add_row("[red]MongoDB does not answer[/]")
    title = f"Order Records, {elapsed:.0f} s, a day is a second (Ctrl-C ends it)"
    where = Text(f"API: {api.address}/docs, token in {api.token_file}", overflow="fold")
    return Group(Panel(Group(table, where), title=title), _events(trail), _example(example))


def _events(trail: Trail) -> Panel:
    lines = [
        f"{event['time']}  {event['type'].removeprefix('order-records.'):24} {event['subject']}"
        for event in trail.newest
    ]
    return Panel(Text("\n".join(lines) or "none yet"), title="the newest audit events")


def _example(example: Example) -> Panel:
    columns = Table.grid(padding=(0, 1), expand=True)
    columns.add_row("[bold]as it was stored[/]", "[bold]after its clean-up date[/]")
    columns.add_row(_record(example.before, "not stored yet"), _record(example.after, "not due yet"))
    return Panel(columns, title="one order")


def _record(record: Mapping[str, Any] | None, instead: str) -> Text:
    if record is None:
        return Text(instead, style="dim")
    shown = (
        "anonymized",
        "version",
        "consumer",
        "customAttributes",
        "origin",
        "payments",
        "tenantOrderRecordId",
    )
    lines = [f"{name}: {record.get(name, '-')}" for name in shown]
    wrapped = [line[at : at + _WIDTH] for line in lines for at in range(0, len(line), _WIDTH)]
    return Text("\n".join(wrapped[:_EXAMPLE_LINES]))


def show_claims(console: Console, figures: Figures | None, claims: Iterable[Claim]) -> None:
    """The last figures, and the table of the claims."""
    if figures:
        console.print(
            f"\nSent {figures.sent} events: {figures.stored} stored, {figures.unchanged} unchanged, "
            f"{figures.quarantined} quarantined; {figures.anonymized} anonymized, {figures.deleted} deleted; "
            f"{figures.audit_events} audit events.",
            soft_wrap=True,
        )
    table = Table("claim", "held", "figures")
    for claim in claims:
        table.add_row(claim.promise, "[green]yes[/]" if claim.held else "[bold red]NO[/]", claim.figures)
    console.print(table)
