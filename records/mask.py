"""The erasure table applied to one document: what reads show of an expired record."""

from collections.abc import Mapping
from typing import Any, Final

from records.erasure import ERASURE_TABLE, Each, Erase, Keep, KeepAmong, Members, Rule

_ABSENT: Final = object()


def mask(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as anonymization leaves it; absent stays absent, and doing it twice changes nothing more.

    Takes a whole stored record. The version counts the act, and the record was last modified at its
    clean-up date, whenever the sweep really came by (design section 5, "Expired is invisible").
    """
    masked: dict[str, Any] = _masked(ERASURE_TABLE, document)
    if document["anonymized"]:
        return masked
    return masked | {
        "anonymized": True,
        "version": document["version"] + 1,
        "lastModified": document["gdprCleanupDate"],
    }


def _masked(rule: Rule, value: Any) -> Any:
    match rule:
        case Keep():
            return _ABSENT if isinstance(value, Mapping | list) else value
        case Erase():
            return _ABSENT
        case KeepAmong(values, otherwise):
            kept_or_other = value if value in values else otherwise
            return _ABSENT if kept_or_other is None else kept_or_other
        case Members(rules):
            return _masked_object(rules, value)
        case Each(rules, only_categories):
            return _masked_list(rules, only_categories, value)


def _masked_object(rules: Mapping[str, Rule], value: Any) -> Any:
    if not isinstance(value, Mapping):
        return None if value is None else _ABSENT
    members = ((name, _masked(rule, value[name])) for name, rule in rules.items() if name in value)
    return {name: member for name, member in members if member is not _ABSENT}


def _masked_list(rules: Members, only_categories: tuple[str, ...], value: Any) -> Any:
    if not isinstance(value, list):
        return None if value is None else _ABSENT
    objects = [item for item in value if isinstance(item, Mapping)]
    if only_categories:
        objects = [item for item in objects if item.get("category") in only_categories]
    return [_masked_object(rules.rules, item) for item in objects]
