"""A verdict for people: first what it comes to, then what it was found in, then every finding in words."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

from audit.checkpoint_book import told
from audit.events import Attested
from audit.findings import Finding, Outcome
from audit.verdict import Verdict
from cli.quarantine_view import print_facts

_WORDS: Final[Mapping[Outcome, str]] = {
    Outcome.SOUND: "SOUND: what was read is whole, and is what was signed",
    Outcome.GAP: "GAP: what was read is what was signed, and for some of it nobody has signed in time",
    Outcome.MISSING: "MISSING: something that was there is not there any more",
    Outcome.INVALID: "INVALID: something was changed, or is not what it says it is",
    Outcome.COUNTS: "COUNTS: what was signed is there, and by its numbers not every erasure was told of once",
}


def verdict_facts(verdict: Verdict, log_name: str) -> dict[str, Any]:
    """By the names that `--json` uses."""
    newest = verdict.newest
    return {
        "verdict": verdict.outcome.name,
        "exitCode": int(verdict.outcome),
        "logName": log_name,
        "events": {"from": verdict.start, "until": verdict.read_to, "notRead": verdict.not_read},
        "time": {"from": verdict.first_time, "until": verdict.last_time},
        "signed": verdict.signed_size,
        "proven": verdict.compared,
        "checkpoints": verdict.checkpoints,
        "signedAt": None
        if newest is None or newest.signed.signed_at is None
        else told(newest.signed.signed_at),
        "checkpoint": None if newest is None else newest.note.decode(errors="replace"),
        "n": {"first": verdict.first_n, "last": verdict.last_n},
        "types": dict(verdict.types),
        "repeats": verdict.repeats,
        "attested": None if verdict.attested is None else _attested(verdict.attested),
        "findings": [_finding_facts(finding) for finding in verdict.findings],
        "notes": list(verdict.notes),
    }


def print_verdict(verdict: Verdict, log_name: str) -> None:
    """For whoever has to answer for it."""
    facts = verdict_facts(verdict, log_name)
    print_facts({"verdict": _WORDS[verdict.outcome], "trail": log_name, **dict(_lines(verdict, facts))})
    for name, count in verdict.types.items():
        click.echo(f"  {count:>10}  {name}")
    for finding in verdict.findings:
        click.echo(f"\n{finding.outcome.name} {finding.kind}: {finding.meaning}")
        for text in finding.texts:
            click.echo(f"  - {text}")
        if finding.count > len(finding.texts):
            click.echo(f"  {finding.count} in all")
    for note in verdict.notes:
        click.echo(f"note  {note}")


def _lines(verdict: Verdict, facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if verdict.read_to > verdict.start:
        times = f", written from {verdict.first_time} to {verdict.last_time}" if verdict.first_time else ""
        yield "read", f"events {verdict.start} to {verdict.read_to - 1}{times}"
    else:
        yield "read", "no events"
    if verdict.signed_size is None:
        yield "signed", "nothing"
    else:
        yield (
            "signed",
            f"{verdict.signed_size} events, at {verdict.checkpoints} sizes, last {facts['signedAt']}",
        )
    yield "proven", f"up to event {verdict.compared - 1}" if verdict.compared else "nothing"
    if verdict.first_n is not None:
        yield "erasures", f"batches {verdict.first_n} to {verdict.last_n}"
    if verdict.attested is not None:
        overdue = ", ".join(f"{name} {count}" for name, count in verdict.attested.overdue.items())
        until = verdict.attested.period["until"]
        yield (
            "attested",
            f"at {until}, batches to {verdict.attested.n}; overdue then: {overdue or 'not known'}",
        )
    yield (
        "repeats",
        f"{verdict.repeats} events came more than once, with the same bytes; each is counted once",
    )


def _attested(attested: Attested) -> dict[str, Any]:
    return {
        "until": attested.period["until"],
        "n": attested.n,
        "overdue": attested.overdue,
        "oldestOverdue": attested.oldest_overdue,
    }


def _finding_facts(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind.value,
        "verdict": finding.outcome.name,
        "exitCode": int(finding.outcome),
        "meaning": finding.meaning,
        "count": finding.count,
        "texts": finding.texts,
    }
