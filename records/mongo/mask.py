"""The erasure table compiled to MongoDB's language: the update that anonymizes, in one pipeline."""

from typing import Any

from records.erasure import ERASURE_TABLE, Each, Erase, Keep, KeepAmong, Members, Rule

Expression = Any
_REMOVE = "$$REMOVE"


def anonymize_pipeline() -> list[dict[str, Expression]]:
    """The update pipeline that leaves what `records.mask.mask` leaves.

    `$replaceWith`, since `$set` in a pipeline merges objects and would leave members behind.
    """
    left = _members(ERASURE_TABLE, "$")
    act = {"anonymized": True, "version": {"$add": ["$version", 1]}, "lastModified": "$gdprCleanupDate"}
    return [{"$replaceWith": {**left, **act}}]


def _members(members: Members, path: str) -> dict[str, Expression]:
    separator = "" if path == "$" else "."
    return {
        name: _expression(rule, f"{path}{separator}{name}")
        for name, rule in members.rules.items()
        if not isinstance(rule, Erase)
    }


def _expression(rule: Rule, path: str) -> Expression:
    match rule:
        case Keep():
            return path  # a missing field path leaves the member out
        case Erase():
            return _REMOVE
        case KeepAmong(values, otherwise):
            return _keep_among(values, otherwise, path)
        case Members():
            return _when_type("object", path, _members(rule, path))
        case Each(rules, only_categories):
            return _when_type("array", path, _each(rules, only_categories, path))


def _when_type(bson_type: str, path: str, expression: Expression) -> Expression:
    """The expression for a value of this type; null stays null; anything else goes."""
    or_null = {"$cond": [{"$eq": [path, None]}, None, _REMOVE]}
    return {"$cond": [{"$eq": [{"$type": path}, bson_type]}, expression, or_null]}


def _keep_among(values: tuple[str, ...], otherwise: str | None, path: str) -> Expression:
    if otherwise is None:
        other: Expression = _REMOVE
    else:
        other = {"$cond": [{"$eq": [{"$type": path}, "missing"]}, _REMOVE, otherwise]}
    return {"$cond": [{"$in": [path, list(values)]}, path, other]}


def _each(rules: Members, only_categories: tuple[str, ...], path: str) -> Expression:
    name = path.rsplit(".", 1)[-1].lstrip("$")  # the list's own name is the loop variable's
    kept: Expression = {"$eq": [{"$type": f"$${name}"}, "object"]}
    if only_categories:
        kept = {"$in": [f"$${name}.category", list(only_categories)]}
    objects = {"$filter": {"input": path, "as": name, "cond": kept}}
    return {"$map": {"input": objects, "as": name, "in": _members(rules, f"$${name}")}}
