"""The post-condition of anonymization: a document holds what the erasure table keeps, and nothing else.

Walks what is there, not what should be, so that it does not share a fault with the mask. It is asked about
every record that is anonymized, so the question whether there is anything has a quick answer of its own.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from records.erasure import ERASURE_TABLE, Each, Erase, Keep, KeepAmong, Members, Rule


class Leftover(NamedTuple):
    """The path of a member that should not be there. Overgrown: kept, but an object or a list."""

    path: str
    overgrown: bool = False


def leftovers(document: Mapping[str, Any]) -> Iterator[Leftover]:
    """The members of an anonymized document that the table does not keep: there must be none."""
    return _leftovers(ERASURE_TABLE, document, "")


def _leftovers(rule: Rule, value: Any, path: str) -> Iterator[Leftover]:
    match rule, value:
        case (Members(rules), Mapping()):
            for name, child in value.items():
                shown = name if name in rules else "*"  # a name without a row may be somebody's text
                yield from _leftovers(rules.get(name, Erase("no row")), child, f"{path}/{shown}")
        case (Each(rules, _), list()):
            for child in value:
                yield from _leftovers(rules, child, f"{path}/*")
        case (Keep(), Mapping() | list()):
            yield Leftover(path, overgrown=True)
        case (KeepAmong(), Mapping() | list()) | (Erase(), _):
            yield Leftover(path)
        case (Members() | Each(), _) if value is not None:
            yield Leftover(path)


_Check = Callable[[Any], bool]


def _object_check(members: Members) -> _Check:
    kept = {name: rule for name, rule in members.rules.items() if not isinstance(rule, Erase)}
    names = frozenset(kept)
    inner = tuple((name, _check(rule)) for name, rule in kept.items() if isinstance(rule, Members | Each))

    def nothing_left(value: Any) -> bool:
        if value.__class__ is not dict or not value.keys() <= names:
            return False
        containers = 0
        for child in value.values():
            if child.__class__ is dict or child.__class__ is list:
                containers += 1
        for name, check in inner:
            child = value.get(name)
            if child is not None:
                if not check(child):
                    return False
                containers -= 1
        return containers == 0  # each of them stands where the table has one

    return nothing_left


def _list_check(each: Each) -> _Check:
    check = _object_check(each.rules)
    return lambda value: value.__class__ is list and all(item is None or check(item) for item in value)


def _check(rule: Members | Each) -> _Check:
    return _object_check(rule) if isinstance(rule, Members) else _list_check(rule)


is_bare: Final = _check(ERASURE_TABLE)
"""Whether a document (plain dictionaries and lists) has no leftovers, in a seventh of the time."""
