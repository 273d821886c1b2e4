"""`order-records doctor`: what is wrong, and what to do about it."""

import os
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Final

import click
import orjson
import uvloop
from rich.table import Table
from rich.text import Text

from cli.console import plain_console
from cli.diagnosis.examine import examine, settings_refused
from cli.diagnosis.finding import Finding, Level, counted
from runtime.errors import UserError
from runtime.logs import configure_verb_logging
from runtime.settings import Settings, load_settings

_CLOSE_SECONDS: Final = 1.0
_STYLES: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON document.")
def doctor(*, as_json: bool) -> None:
    """Look at settings, MongoDB, indexes, Kafka, clocks and erasure: what is wrong, and what to do.

    Takes the settings that the processes take, writes nothing, and ends within 15 seconds. Exits 0 when
    nothing is wrong, though there may be warnings, and 1 otherwise.

    \b
    Example: order-records doctor
             order-records doctor --json | jq '.findings[] | select(.level != "ok")'
    """  # noqa: D301 - click reads \b as the character
    configure_verb_logging("doctor")
    try:
        settings = load_settings()
    except UserError as error:
        sys.exit(report(settings_refused(str(error)), as_json=as_json))
    code, end = uvloop.run(_examine(settings, as_json=as_json))
    end.cancel()
    sys.exit(code)


async def _examine(settings: Settings, *, as_json: bool) -> tuple[int, threading.Timer]:
    """The exit code, and a timer that ends the process with it.

    The event loop does not close while a name server is asked, and nothing cuts that short.
    """
    code = report(await examine(settings), as_json=as_json)
    end = threading.Timer(_CLOSE_SECONDS, os._exit, [code])
    end.daemon = True
    end.start()
    return code, end


def report(findings: Sequence[Finding], *, as_json: bool) -> int:
    """Prints it, and returns the exit code."""
    levels = Counter(finding.level for finding in findings)
    if as_json:
        click.echo(_document(findings, levels))
    else:
        _show(findings, levels)
    return int(levels[Level.PROBLEM] > 0)


def _document(findings: Sequence[Finding], levels: Counter[Level]) -> str:
    shown = [
        {
            "level": each.level,
            "name": each.check,
            "seen": each.seen,
            **({"next": each.next} if each.next else {}),
        }
        for each in findings
    ]
    counts = {"problems": levels[Level.PROBLEM], "warnings": levels[Level.WARNING]}
    return orjson.dumps({**counts, "findings": shown}).decode()


def _show(findings: Sequence[Finding], levels: Counter[Level]) -> None:
    table = Table("", "what", "seen", "what to do", box=None, pad_edge=False)
    for finding in findings:
        level = Text(finding.level, style=_STYLES[finding.level])
        table.add_row(level, *(Text(text) for text in (finding.check, finding.seen, finding.next)))
    console = plain_console()
    console.print(table)
    problems, warnings = (counted(levels[level], level) for level in (Level.PROBLEM, Level.WARNING))
    console.print(f"\n{problems}, {warnings}", highlight=False)
