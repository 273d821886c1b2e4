"""What filters and sorts see of a record between its clean-up date and the sweep: the masked record.

Design section 5, "Expired is invisible": otherwise a search for a name would still find whom a read
no longer shows.
"""

from datetime import datetime
from typing import Final

from records.erasure import ERASURE_TABLE, Each, Erase, Members, Rule
from records.filters import (
    EVERYTHING,
    NEGATIONS,
    NOTHING,
    AllOf,
    AnyOf,
    Compare,
    Contains,
    Exists,
    Filter,
    all_of,
    any_of,
    contains,
)

_NO_ROW: Final = Erase("no row")


def rule_at(path: str) -> Rule:
    """The erasure table's row for a dotted path; lists are walked through, and what has no row is erased."""
    rule: Rule = ERASURE_TABLE
    for name in path.split("."):
        members = rule.rules if isinstance(rule, Each) else rule
        rule = members.rules.get(name, _NO_ROW) if isinstance(members, Members) else _NO_ROW
    return rule


def as_seen_filter(tree: Filter, now: datetime) -> Filter:
    """The filter such that a stored record matches when the record as seen at this time (UTC) would.

    Two readings of the tree, the second for expired records; one suffices where they do not differ.
    """
    expired = _of_expired(tree, "")
    if expired != tree:
        tree = any_of(
            [
                all_of([Compare("gdprCleanupDate", "gt", now), tree]),
                all_of([Compare("gdprCleanupDate", "lte", now), expired]),
            ]
        )
    return all_of([Compare("deletionDate", "gt", now), tree])


def _of_expired(tree: Filter, within: str) -> Filter:
    match tree:
        case AllOf(filters):
            return all_of(_of_expired(each, within) for each in filters)
        case AnyOf(filters):
            return any_of(_of_expired(each, within) for each in filters)
        case Contains(path, element):
            return contains(path, _of_expired(element, f"{within}{path}."))
        case Compare():
            return _compared_when_expired(tree, within)
        case Exists():
            return tree  # the lists keep their elements, emptied


def _compared_when_expired(leaf: Compare, within: str) -> Filter:
    if leaf.path == "anonymized":
        return EVERYTHING if leaf.operand is True else NOTHING
    if isinstance(rule_at(within + leaf.path), Erase):
        return EVERYTHING if leaf.operator in NEGATIONS else NOTHING
    return leaf
