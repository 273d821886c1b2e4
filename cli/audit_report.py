"""A verdict for people: first what it comes to, then what it was found in, then every finding in words."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

from audit.checkpoint_book import told
from audit.event_data import Attested, TrailBegun
from audit.findings import Finding, Outcome
from audit.verdict import Cosigning, Verdict
from cli.audit_folder import Manifest
from cli.quarantine_view import print_facts

_WORDS: Final[Mapping[Outcome, str]] = {
    Outcome.SOUND: "SOUND: what was read is whole, and is what was signed",
    Outcome.GAP: "GAP: nothing speaks against what was read, and not all of it was signed, or was in time",
    Outcome.MISSING: "MISSING: something that was there is not there any more",
    Outcome.INVALID: "INVALID: something was changed, or is not what it says it is",
    Outcome.COUNTS: "COUNTS: what was signed is there, and by its numbers not every erasure was told of once",
}


def verdict_facts(verdict: Verdict, log_name: str, manifest: Manifest | None = None) -> dict[str, Any]:
    """By the names that `--json` uses; `manifest` is that of the export, if it was one."""
    newest = verdict.newest
    return {
        "verdict": verdict.outcome.name,
        "exitCode": int(verdict.outcome),
        "logName": log_name,
        "manifest": None if manifest is None else _manifest(manifest),
        "events": {"from": verdict.start, "until": verdict.read_to, "notRead": verdict.not_read},
        "time": {"from": verdict.first_time, "until": verdict.last_time},
        "signed": verdict.signed_size,
        "proven": verdict.compared,
        "checkpoints": verdict.checkpoints,
        "signedAt": None
        if newest is None or newest.signed.signed_at is None
        else told(newest.signed.signed_at),
        "signedBy": None if newest is None else newest.signed.key.text,
        "checkpoint": None if newest is None else newest.note.decode(errors="replace"),
        "begun": None if verdict.begun is None else _begun(verdict.begun),
        "n": {"first": verdict.first_n, "last": verdict.last_n},
        "types": dict(verdict.types),
        "repeats": verdict.repeats,
        "cosigned": None if verdict.cosigned is None else _cosigned(verdict.cosigned),
        "attested": None if verdict.attested is None else _attested(verdict.attested, verdict.counted),
        "findings": [_finding_facts(finding) for finding in verdict.findings],
        "notes": list(verdict.notes),
    }


def print_verdict(verdict: Verdict, log_name: str, manifest: Manifest | None = None) -> None:
    """For whoever has to answer for it; `manifest` is that of the export, if it was one."""
    facts = verdict_facts(verdict, log_name)
    export = {} if manifest is None else {"export": _said(manifest)}
    print_facts(
        {"verdict": _WORDS[verdict.outcome], "trail": log_name, **export, **dict(_lines(verdict, facts))}
    )
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
    by = "" if verdict.newest is None else f" by key {verdict.newest.signed.key.id.hex()}"
    if verdict.signed_size is None:
        yield "signed", "nothing"
    else:
        yield (
            "signed",
            f"{verdict.signed_size} events, at {verdict.checkpoints} sizes, last {facts['signedAt']}{by}",
        )
    yield "proven", f"up to event {verdict.compared - 1}" if verdict.compared else "nothing"
    if verdict.cosigned is not None:
        counting = [each.name for each in verdict.cosigned.witnesses if each.counts]
        size, by = verdict.cosigned.size, ", ".join(counting)
        yield "co-signed", f"up to event {size - 1}; by {by}" if size else "nothing by as many as are wanted"
    if verdict.begun is not None:
        yield "begun", _begun_words(verdict.begun)
    if verdict.first_n is not None:
        yield "erasures", f"batches {verdict.first_n} to {verdict.last_n}"
    if verdict.attested is not None:
        overdue = ", ".join(f"{name} {count}" for name, count in verdict.attested.overdue.items())
        until = verdict.attested.period["until"]
        yield (
            "attested",
            f"at {until}, batches to {verdict.attested.n}; overdue then: {overdue or 'not known'}",
        )
        yield "counted", f"figures of {verdict.counted} attestations held against the batches"
    yield (
        "repeats",
        f"{verdict.repeats} events came more than once, with the same bytes; each is counted once",
    )


def _manifest(manifest: Manifest) -> dict[str, Any]:
    return {
        "madeAt": manifest.made_at,
        "part": _is_part(manifest),
        "periodFrom": manifest.period_from,
        "periodTo": manifest.period_to,
        "leftOut": manifest.left_out,
    }


def _said(manifest: Manifest) -> str:
    """Nobody signs it: whoever made the folder may have left out what was before and after, and the time."""
    part = " It is a part: what was before or after it is not in it." if _is_part(manifest) else ""
    left_out = manifest.left_out
    unsigned = f" {left_out} events after it were not signed yet." if left_out else ""
    return f"made at {manifest.made_at}, by its own word.{part}{unsigned}"


def _is_part(manifest: Manifest) -> bool:
    return not manifest.open_end or manifest.first != manifest.topic_first


def _cosigned(cosigned: Cosigning) -> dict[str, Any]:
    return {
        "size": cosigned.size,
        "witnesses": [
            {
                "name": each.name,
                "size": each.size,
                "at": None if each.at is None else told(each.at),
                "counts": each.counts,
            }
            for each in cosigned.witnesses
        ],
    }


def _begun(begun: TrailBegun) -> dict[str, Any]:
    return {"afterN": begun.last_n, "grounds": begun.grounds, "before": begun.before}


def _begun_words(begun: TrailBegun) -> str:
    """What came before is in another trail, so of that nothing was read here."""
    before, signed = begun.before, "how much of it was signed is not known"
    if "signedSize" in before:
        signed = f"{before['signedSize']} events of it were signed, with root {before.get('signedRoot')}"
    return (
        f"after batch {begun.last_n} of another trail, {before['source'][1:]} on topic {before['topic']}, "
        f"which was not read here: {signed}; why it ended: {begun.grounds}"
    )


def _attested(attested: Attested, counted: int) -> dict[str, Any]:
    return {
        "until": attested.period["until"],
        "n": attested.n,
        "overdue": attested.overdue,
        "oldestOverdue": attested.oldest_overdue,
        "counted": counted,
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
