"""How erasure stands, for those who watch it and must see no order."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from records.mongo.attestation import TrailState, trail_state
from records.mongo.lifecycle import lifecycle_figures
from records.mongo.overdue import Overdue
from records.mongo.policies import PastPolicy, policy_history
from records.mongo.sweep import Action
from service.api.answers import answer
from service.api.auth import Permission
from service.api.context import ApiContext
from service.api.parameters import IN_DIGITS


def lifecycle_router(api: ApiContext) -> APIRouter:
    """The route /api/lifecycle."""
    router = APIRouter(tags=["Lifecycle"])

    @router.get("/api/lifecycle", operation_id="getLifecycle")
    async def lifecycle(
        request: Request, days: Annotated[int, Query(ge=1, le=366), IN_DIGITS] = 30
    ) -> Response:
        """What is due by day, what is overdue, the quarantine, the policies so far, and the audit trail."""
        api.authorize(request, Permission.LIFECYCLE_READ)
        now = await api.clock.latest()
        figures = await lifecycle_figures(api.database, now, days)
        history = await policy_history(api.database)
        due, late = figures.due_by_day, figures.overdue
        return answer(
            {
                "now": now,
                "anonymize": {"dueByDay": due[Action.ANONYMIZE], "overdue": _overdue(late[Action.ANONYMIZE])},
                "delete": {"dueByDay": due[Action.DELETE], "overdue": _overdue(late[Action.DELETE])},
                "quarantine": figures.quarantine,
                "quarantineOverdue": _overdue(late[Action.ERASE_QUARANTINED]),
                "policyHistory": [_past(each) for each in history],
                "trail": _trail(await trail_state(api.database)),
                **({"lastSweep": figures.last_sweep} if figures.last_sweep else {}),
            }
        )

    return router


def _past(each: PastPolicy) -> dict[str, Any]:
    policy = each.policy
    return {
        "version": policy.version,
        "since": each.since,
        "retentionTime": policy.retention_time,
        "deletionTimeAfterRetention": policy.deletion_time_after_retention,
        "actorAnonymization": policy.actor_anonymization,
    }


def _trail(state: TrailState) -> dict[str, Any]:
    known = {"lastAttestation": state.attested, "unsentSince": state.unsent_since}
    return {
        "n": state.n,
        "unsent": state.unsent,
        **{name: instant for name, instant in known.items() if instant is not None},
    }


def _overdue(figure: Overdue) -> dict[str, Any]:
    return (
        {"count": figure.count} if figure.oldest is None else {"count": figure.count, "oldest": figure.oldest}
    )
