"""`order-records check`: what the consumer would say of an event, before it is sent."""

import secrets
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

import click
import orjson

from cli.parameters import Header, Instant
from cli.quarantine_view import text
from records.epoch import milliseconds
from records.keys import RecordKeys
from records.payload import MAX_ORDER_BYTES
from records.policy import DateRules, GdprPolicy
from records.record import RecordRules
from runtime.errors import UserError
from runtime.settings import load_settings
from service.verdict import Verdict, verdict

_ENOUGH: Final = MAX_ORDER_BYTES + 1
"""More of an event need not be read: it is too large whatever follows."""
_NOTE: Final = (
    "not judged: whether this order is stored with other content (CONFLICT) or was erased. "
    "Age and dates: by --timestamp, else now, and the settings here"
)
_OTHER_TYPE: Final = "another type of event: the consumer passes over it"


@click.command()
@click.argument("file", type=click.File("rb"), metavar="FILE|-")
@click.option(
    *("--header", "-H", "headers"),
    type=Header(),
    multiple=True,
    help="A header of the record; may be repeated. Without = it is one without a value.",
)
@click.option("--timestamp", type=Instant(), help="The record's time on the topic; now where not given.")
@click.option(
    "--lines", is_flag=True, help="Take each line as an event, and name the lines that are refused."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with --lines one object a line.")
def check(
    *,
    file: BinaryIO,
    headers: tuple[tuple[str, bytes | None], ...],
    timestamp: datetime | None,
    lines: bool,
    as_json: bool,
) -> None:
    """Say whether the consumer would take the event in FILE, or - for standard input; or why not.

    FILE is the value of the record as it would be sent. Nothing of what is in it is printed, nothing is
    sent or stored, and neither Kafka, MongoDB nor a secret is needed.

    Exit code 0: accepted, or skipped as another type of event. 1: refused. 64: a wrong call.

    \b
    Example:
      order-records check order.json
      order-records check -H ce_specversion=1.0 -H ce_type=order.completed -H ce_id=7 -H ce_source=/shop/1 order.json
      order-records check --lines events.jsonl
    """  # noqa: D301, E501 (click reads the \b, and a line to copy is one line)
    judge = _judge(headers, timestamp)
    if lines:
        refused = _check_lines(_events_of(file), judge, as_json=as_json)
    else:
        answer = judge(file.read(_ENOUGH))
        refused = answer.outcome == "refused"
        _print_one(answer, as_json=as_json)
    sys.exit(int(refused))


def _judge(
    headers: Sequence[tuple[str, bytes | None]], timestamp: datetime | None
) -> Callable[[bytes], Verdict]:
    """Ids and digests are of no account here, so any key will do."""
    settings = load_settings()
    dates = DateRules.of(**settings.retention.date_numbers())
    keys = RecordKeys.derive(secrets.token_bytes(32))
    rules = RecordRules(keys, GdprPolicy(), dates, settings.pricing.tax_mode)
    now = datetime.now(UTC)
    since_epoch = -1 if timestamp is None else milliseconds(timestamp)
    return lambda value: verdict(value, headers, since_epoch, now, rules)


def _events_of(file: BinaryIO) -> Iterator[bytes]:
    """Line by line; of a line that is too large only so much that it is seen to be."""
    while line := file.readline(_ENOUGH):
        yield line.removesuffix(b"\n")
        while line and not line.endswith(b"\n"):
            line = file.readline(_ENOUGH)


def _check_lines(events: Iterator[bytes], judge: Callable[[bytes], Verdict], *, as_json: bool) -> bool:
    """Whether one was refused; each is printed when it is found, so that any number of them is no burden."""
    counts: Counter[str] = Counter({"accepted": 0, "skipped": 0, "refused": 0})
    unknown = 0
    for number, event in enumerate(events, 1):
        answer = judge(event)
        counts[answer.outcome] += 1
        unknown += answer.unknown_members
        if answer.outcome == "refused":
            line = orjson.dumps({"line": number, **_facts(answer)}).decode()
            click.echo(line if as_json else f"line {number}: {_words(answer)}")
    if not counts.total():
        raise UserError("no event in it")
    if as_json:
        click.echo(orjson.dumps({**counts, "unknownMembers": unknown, "note": _NOTE}))
    else:
        click.echo(", ".join(f"{outcome} {number}" for outcome, number in counts.items()))
        _print_notes(unknown)
    return counts["refused"] > 0


def _print_one(answer: Verdict, *, as_json: bool) -> None:
    if as_json:
        click.echo(text({**_facts(answer), "note": _NOTE}))
    else:
        click.echo(_words(answer))
        _print_notes(answer.unknown_members)


def _facts(answer: Verdict) -> dict[str, Any]:
    facts: dict[str, Any] = {"outcome": answer.outcome, "unknownMembers": answer.unknown_members}
    if answer.refused is not None:
        facts |= {"reason": answer.refused.reason.value, "pointer": answer.refused.pointer}
    return facts


def _words(answer: Verdict) -> str:
    if answer.outcome == "skipped":
        return f"skipped: {_OTHER_TYPE}"
    return answer.outcome if answer.refused is None else f"refused: {answer.refused}"


def _print_notes(unknown_members: int) -> None:
    if unknown_members:
        click.echo(f"note      members that nobody knows, and that would be dropped: {unknown_members}")
    click.echo(f"note      {_NOTE}")
