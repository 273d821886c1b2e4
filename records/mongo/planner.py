"""The planner compiled to MongoDB's language: for counting on the server, and for the update.

A property test on a real server holds it equal to `records.planner` (docs/decisions/recompute.md).
"""

from datetime import timedelta
from typing import Any, Final

from records.mongo.client import Document
from records.planner import BY_POLICY, MOVED, Fate, Planner

Expression = Any

_CLEANUP: Final = "$gdprCleanupDate"
_DELETION: Final = "$deletionDate"
_NUMBERS: Final = ["int", "long", "double"]
_MILLISECOND: Final = timedelta(milliseconds=1)


def below(planner: Planner) -> Document:
    """The query for records whose dates are by an earlier policy; the index `by_policy` serves it."""
    return {"datesBy": BY_POLICY, "policyVersion": {"$lt": planner.policy.version}}


def recomputable(planner: Planner) -> Document:
    """The query for those of them that recomputing writes to: the whole predicate, for select and update."""
    return {**below(planner), "deletionDate": {"$gt": planner.cutoff}, "$expr": _sound(planner)}


def recompute_pipeline(planner: Planner) -> list[Document]:
    """The update pipeline for records that match `recomputable`; a move counts as a change of the record."""
    moved = _is_moved(_move(planner))
    return [
        {
            "$set": {
                "gdprCleanupDate": _cleanup(planner),
                "deletionDate": _deletion(planner),
                "version": {"$cond": [moved, {"$add": ["$version", 1]}, "$version"]},
                "lastModified": {"$cond": [moved, "$$NOW", "$lastModified"]},
                "policyVersion": planner.policy.version,
            }
        }
    ]


def fate_expression(planner: Planner) -> Expression:
    """The fate of a record, as `Planner.plan` says it."""
    kept = [
        ({"$ne": ["$datesBy", BY_POLICY]}, Fate.SENDER),
        ({"$not": [_sound(planner)]}, Fate.MALFORMED),
        ({"$gte": ["$policyVersion", planner.policy.version]}, Fate.CURRENT),
        ({"$lte": [_DELETION, planner.cutoff]}, Fate.PAST),
    ]
    branches = [{"case": case, "then": fate.value} for case, fate in kept]
    return {"$switch": {"branches": branches, "default": _move(planner)}}


def at_once_expression(planner: Planner) -> Expression:
    """Whether a record comes to be due by being moved."""
    cleanup = {"$and": [{"$not": [_passed(planner)]}, {"$lte": [_cleanup(planner), planner.cutoff]}]}
    due = {"$or": [{"$lte": [_deletion(planner), planner.cutoff]}, cleanup]}
    return {"$cond": [_is_moved(fate_expression(planner)), due, False]}


def _is_moved(fate: Expression) -> Expression:
    return {"$in": [fate, [each.value for each in MOVED]]}


def _sound(planner: Planner) -> Expression:
    dates = [{"$eq": [{"$type": f"${name}"}, "date"]} for name in planner.dates]
    numbers = [{"$in": [{"$type": f"${name}"}, _NUMBERS]} for name in ("version", "policyVersion")]
    return {"$and": [*dates, *numbers]}


def _passed(planner: Planner) -> Expression:
    return {"$or": [{"$eq": ["$anonymized", True]}, {"$lte": [_CLEANUP, planner.cutoff]}]}


def _cleanup(planner: Planner) -> Expression:
    return {"$cond": [_passed(planner), _CLEANUP, _later(_base(planner), planner.until_cleanup)]}


def _deletion(planner: Planner) -> Expression:
    since_cleanup = _later(_CLEANUP, planner.from_cleanup)
    return {"$cond": [_passed(planner), since_cleanup, _later(_base(planner), planner.until_deletion)]}


def _base(planner: Planner) -> Expression:
    return {"$min": ["$created", f"${planner.rules.base}"]}


def _later(date: Expression, duration: timedelta) -> Expression:
    return {"$add": [date, duration // _MILLISECOND]}


def _move(planner: Planner) -> Expression:
    cleanup, deletion = _cleanup(planner), _deletion(planner)
    same = {"$and": [{"$eq": [cleanup, _CLEANUP]}, {"$eq": [deletion, _DELETION]}]}
    earlier = {"$or": [{"$lt": [cleanup, _CLEANUP]}, {"$lt": [deletion, _DELETION]}]}
    return {
        "$cond": [
            same,
            Fate.UNCHANGED.value,
            {"$cond": [earlier, Fate.EARLIER.value, Fate.LATER.value]},
        ]
    }
