"""The erasure table compiled to MongoDB's language: the update that anonymizes, in one pipeline."""

from dataclasses import dataclass
from typing import Any

from records.erasure import ERASURE_TABLE, Each, Erase, Keep, KeepAmong, Members, Rule

Expression = Any
_REMOVE = "$$REMOVE"


def anonymize_pipeline() -> list[dict[str, Expression]]:
    """The update pipeline that leaves what `records.mask.mask` leaves of a record without overgrown members.

    `$replaceWith`, since `$set` in a pipeline merges objects and would leave members behind. What an object
    or a list in the place of a kept value needs is `scalars_pipeline`: to look at the type of each kept
    value would make every record cost half as much again, and no build of ours ever stored one.
    """
    act = {"anonymized": True, "version": {"$add": ["$version", 1]}, "lastModified": "$gdprCleanupDate"}
    return [{"$replaceWith": {**_Compiler().members(ERASURE_TABLE, "$"), **act}}]


def scalars_pipeline() -> list[dict[str, Expression]]:
    """The update pipeline that takes overgrown members out of an anonymized record; all else stays."""
    return [{"$replaceWith": {**_Compiler(scalars_only=True).members(ERASURE_TABLE, "$"), "_id": "$_id"}}]


@dataclass(frozen=True)
class _Compiler:
    scalars_only: bool = False

    def members(self, members: Members, path: str) -> dict[str, Expression]:
        separator = "" if path == "$" else "."
        return {
            name: self._expression(rule, f"{path}{separator}{name}")
            for name, rule in members.rules.items()
            if not isinstance(rule, Erase)
        }

    def _expression(self, rule: Rule, path: str) -> Expression:
        match rule:
            case Keep():
                return _scalar(path) if self.scalars_only else path  # a missing path leaves the member out
            case Erase():
                return _REMOVE
            case KeepAmong(values, otherwise):
                return _keep_among(values, otherwise, path)
            case Members():
                return _when_type("object", path, self.members(rule, path))
            case Each(rules, only_categories):
                return _when_type("array", path, self._each(rules, only_categories, path))

    def _each(self, rules: Members, only_categories: tuple[str, ...], path: str) -> Expression:
        name = path.rsplit(".", 1)[-1].lstrip("$")  # the list's own name is the loop variable's
        kept: Expression = {"$eq": [{"$type": f"$${name}"}, "object"]}
        if only_categories:
            kept = {"$in": [f"$${name}.category", list(only_categories)]}
        objects = {"$filter": {"input": path, "as": name, "cond": kept}}
        return {"$map": {"input": objects, "as": name, "in": self.members(rules, f"$${name}")}}


def _scalar(path: str) -> Expression:
    return {"$cond": [{"$in": [{"$type": path}, ["object", "array"]]}, _REMOVE, path]}


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
