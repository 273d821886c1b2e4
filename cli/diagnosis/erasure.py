"""Whether people are erased on time: the worker, what is overdue, what waits to be announced."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from cli.diagnosis.asking import Unanswered
from cli.diagnosis.finding import Check, Finding, counted, ok, problem, span, warning
from records.mongo.overdue import Overdue
from records.mongo.restored import Service
from records.mongo.sweep import Action

PATIENCE: Final = timedelta(minutes=5)
"""What is late by less may be on its way; a record that failed alone is tried again after so long."""
_SWEEPS: Final = 10
_SHORTEST: Final = timedelta(minutes=1)
_WORDS: Final = {
    Action.ANONYMIZE: "to be anonymized",
    Action.DELETE: "to be deleted",
    Action.ERASE_QUARANTINED: "in quarantine to be erased",
}


def judge_worker(
    leads_until: datetime | Unanswered | None,
    last_sweep: datetime | Unanswered | None,
    interval: timedelta,
    now: datetime,
) -> Finding:
    """Whether a worker leads, and when it last came to the end of a sweep; `now` is MongoDB's (UTC)."""
    if isinstance(leads_until, Unanswered):
        return _not_told(Check.WORKER, leads_until)
    if isinstance(last_sweep, Unanswered):
        return _not_told(Check.WORKER, last_sweep)
    if leads_until is None:
        return warning(Check.WORKER, "none has ever led here", "Start `work`: without it nothing is erased.")
    swept = "no sweep has ended yet"
    if last_sweep is not None:
        swept = f"a sweep last ended {span(max(timedelta(), now - last_sweep))} ago"
    if leads_until < now:
        return problem(
            Check.WORKER,
            f"none leads; {swept}",
            "Start `work`, or see in its log why it ends: nothing is erased.",
        )
    if last_sweep is None or now - last_sweep > max(_SWEEPS * interval, _SHORTEST):
        return warning(
            Check.WORKER,
            f"one leads; {swept}",
            "See its log (a clock may be stopped, or a large backlog worked off), and ask again in a minute.",
        )
    return ok(Check.WORKER, f"one leads; {swept}")


def judge_restore(found: Service | Unanswered) -> Finding:
    """Whether the database is a backup that was put back, and when it was last in service."""
    if isinstance(found, Unanswered):
        return _not_told(Check.RESTORE, found)
    if found.ahead is not None:
        return problem(
            Check.RESTORE,
            f"the audit topic is ahead: erasure {found.ahead.n} there, {found.ahead.known_n} here",
            "See docs/operator.md, `After a restore from backup`: no process runs before that is done.",
        )
    if found.silent is None:
        return ok(Check.RESTORE, "never compared with the audit topic: a new database")
    seen = f"in service {span(max(timedelta(), found.silent))} ago"
    if not found.in_service:
        return warning(
            Check.RESTORE,
            seen,
            "Start `work`: nothing is written before it has compared the database with the audit topic.",
        )
    return ok(Check.RESTORE, seen)


def judge_overdue(
    overdue: Mapping[Action, Overdue] | Unanswered, failed: int | Unanswered, now: datetime
) -> list[Finding]:
    """What is past its date, and those whose erasure failed."""
    if isinstance(overdue, Unanswered):
        findings = [_not_told(Check.OVERDUE, overdue)]
    else:
        late = [_judge_late(action, figure, now) for action, figure in overdue.items() if figure.oldest]
        findings = late or [ok(Check.OVERDUE, "nothing")]
    if isinstance(failed, int) and failed:
        findings.append(
            warning(
                Check.OVERDUE,
                f"{counted(failed, 'record')} could not be erased",
                "The log of `work` names each (`a record cannot be erased`) and says why; it is tried again.",
            )
        )
    return findings


def _judge_late(action: Action, figure: Overdue, now: datetime) -> Finding:
    age = now - (figure.oldest or now)
    seen = f"{figure.count} {_WORDS[action]}, the oldest for {span(age)}"
    if age <= PATIENCE:
        return ok(Check.OVERDUE, seen)
    return problem(
        Check.OVERDUE, seen, "See docs/operator.md, `Overdue grows`: is there a worker that leads?"
    )


def judge_outbox(backlog: tuple[int, datetime | None] | Unanswered, now: datetime) -> Finding:
    """The audit events that Kafka has not taken yet."""
    if isinstance(backlog, Unanswered):
        return _not_told(Check.OUTBOX, backlog)
    entries, oldest = backlog
    if oldest is None:
        return ok(Check.OUTBOX, "empty")
    seen = f"{counted(entries, 'batch', 'batches')} of audit events, the oldest for {span(now - oldest)}"
    if now - oldest <= PATIENCE:
        return ok(Check.OUTBOX, seen)
    return warning(
        Check.OUTBOX, seen, "The log of `work` says why Kafka does not take them; nothing is lost meanwhile."
    )


def judge_quarantine(entries: Mapping[str, Mapping[str, int]] | Unanswered) -> Finding:
    """How many events could not be stored, by reason; each is its publisher's to mend."""
    if isinstance(entries, Unanswered):
        return _not_told(Check.QUARANTINE, entries)
    reasons = ", ".join(f"{reason} {figures['entries']}" for reason, figures in entries.items())
    return ok(Check.QUARANTINE, reasons or "empty")


def _not_told(check: Check, answer: Unanswered) -> Finding:
    return warning(check, f"not told: {answer.why}", "Mend what is named above (a missing index, a right).")
