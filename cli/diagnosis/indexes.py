"""Whether the indexes are those that `work` builds."""

from typing import Final

from cli.diagnosis.asking import Unanswered
from cli.diagnosis.finding import Check, Finding, ok, problem, warning
from records.mongo.index_faults import IndexFaults
from records.mongo.search_indexes import SEARCH_INDEXES
from runtime.environment import variable

_SEARCH: Final = variable("search", "indexes")


def judge_indexes(faults: IndexFaults | Unanswered, *, search: bool) -> list[Finding]:
    """The indexes that are there against those that `work` builds; `search` is the setting."""
    if isinstance(faults, Unanswered):
        return [
            warning(Check.INDEXES, f"not told: {faults.why}", "Let this user list indexes (role readWrite).")
        ]
    findings = [_different(index, parts) for index, parts in faults.different.items()]
    findings += [_extra(index, twin, search=search) for index, twin in faults.extra.items()]
    if faults.missing:
        findings.insert(
            0,
            problem(
                Check.INDEXES,
                f"missing: {', '.join(faults.missing)}",
                "Start `work` anew: it builds what is missing at its start, and the others wait for it.",
            ),
        )
    return findings or [ok(Check.INDEXES, "all there, and no others")]


def _different(index: str, parts: list[str]) -> Finding:
    return problem(
        Check.INDEXES,
        f"{index} is not the one that is needed: it differs in {', '.join(parts)}",
        "Drop it and start `work` anew, which builds the right one and does not start beside this one.",
    )


def _extra(index: str, twin: str | None, *, search: bool) -> Finding:
    if twin:
        return problem(
            Check.INDEXES,
            f"{index} has the definition of {twin}, under another name",
            f"Drop it and start `work` anew: MongoDB does not build {twin} beside it.",
        )
    if not search and index in {f"records.{model.document['name']}" for model in SEARCH_INDEXES}:
        return warning(
            Check.INDEXES,
            f"{index} is there, though the search indexes are switched off",
            f"Drop it, or set {_SEARCH}=true, if searches should be fast.",
        )
    return warning(
        Check.INDEXES,
        f"{index} is not one of ours",
        "Drop it unless somebody needs it: it costs at each order.",
    )
