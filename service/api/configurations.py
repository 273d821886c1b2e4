"""The two configurations: whether orders are taken, and the retention policy."""

from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter, ValidationError

from records.mongo.configuration import CONFIGURATION, Configuration, change_configuration, configuration
from records.mongo.forecast import changes, planner
from records.mongo.policies import change_policy, changed_policy, gdpr_policy
from records.mongo.read_deadline import reading
from records.mongo.read_only import ReadOnly
from records.mongo.state import VersionConflict
from records.policy import DEFAULT_DELETION_DAYS, GdprPolicy
from records.policy_document import plan_digest
from service.api.admin_schemas import GdprConfigurationInput, OrderRecordsConfigurationInput
from service.api.answers import answer
from service.api.auth import Permission
from service.api.context import ApiContext
from service.api.errors import Fault, RequestFault, faults_of
from service.api.parameters import TRUE_OR_FALSE, check_names

_CONFIGURATION: Final = TypeAdapter(OrderRecordsConfigurationInput)
_POLICY: Final = TypeAdapter(GdprConfigurationInput)
_CONFLICT: Final = "Somebody else changed this since you read it"
_PATIENCE: Final = "`order-records lifecycle preview` counts the same and may take longer"
POLICY_PARAMETERS: Final = ("dryRun",)
Parsed = TypeVar("Parsed")
DryRun = Annotated[bool, Query(), TRUE_OR_FALSE]


def configurations_router(api: ApiContext) -> APIRouter:
    """The routes below /api/configurations."""
    router = APIRouter(prefix="/api/configurations", tags=["Configurations"])

    @router.get("/orderrecords", operation_id="getOrderRecordsConfiguration")
    async def read(request: Request) -> Response:
        """Whether orders are taken."""
        api.authorize(request, Permission.CONFIG_READ)
        return answer(_shown(await configuration(api.database)))

    @router.put("/orderrecords", operation_id="updateOrderRecordsConfiguration")
    async def change(request: Request) -> Response:
        """Enable or disable the taking of orders; erasure goes on either way."""
        api.authorize(request, Permission.CONFIG_WRITE)
        wanted = _parsed(_CONFIGURATION, await request.body())
        version = wanted["version"]
        try:
            changed = await change_configuration(
                api.database, version=version, enabled=wanted["isOrderRecordsEnabled"]
            )
        except VersionConflict as conflict:
            raise _conflict(version, conflict) from None
        return answer(_shown(changed), 201 if version == 0 else 200)

    @router.get("/gdpr", operation_id="getGdprConfiguration")
    async def read_policy(request: Request) -> Response:
        """The retention policy in force."""
        api.authorize(request, Permission.CONFIG_READ)
        return answer(_policy(await gdpr_policy(api.database)))

    @router.put("/gdpr", operation_id="updateGdprConfiguration")
    async def change_the_policy(request: Request, dryRun: DryRun = False) -> Response:  # noqa: FBT002, N803 - the API's name
        """Change the retention policy; it is announced on the audit topic and leaves stored dates alone."""
        principal = api.authorize(request, Permission.CONFIG_WRITE)
        check_names(request.query_params, POLICY_PARAMETERS)
        wanted = _wanted(_parsed(_POLICY, await request.body()))
        try:
            if dryRun:
                return answer(await _plan(api, wanted))
            changed = await change_policy(
                api.database, wanted, api.pseudonym(principal), api.build, api.dates
            )
        except VersionConflict as conflict:
            raise _conflict(wanted.version, conflict) from None
        api.policy.changed(changed)
        return answer(_policy(changed))

    return router


async def _plan(api: ApiContext, wanted: GdprPolicy) -> dict[str, Any]:
    """The policy as the change would leave it, and what applying it to stored records would do."""
    reads = ReadOnly(api.database)
    policy, now = await changed_policy(reads, wanted), await api.clock.latest()
    async with reading(_PATIENCE) as deadline:
        found = await changes(reads, planner(policy, api.dates, now), deadline)
    return {**_policy(policy), "plan": {"digest": plan_digest(policy, api.dates), **found.facts()}}


def _parsed(adapter: TypeAdapter[Parsed], body: bytes) -> Parsed:
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        raise RequestFault(400, faults_of(error.errors(include_url=False, include_input=False))) from None


def _conflict(sent: int, conflict: VersionConflict) -> RequestFault:
    return RequestFault(409, [Fault(_CONFLICT, request_version=sent, version=conflict.version)])


def _shown(stored: Configuration) -> dict[str, Any]:
    shown = {"id": CONFIGURATION, "version": stored.version, "isOrderRecordsEnabled": stored.enabled}
    return shown | _dates(stored)


def _dates(stored: Configuration | GdprPolicy) -> dict[str, Any]:
    """A default that nobody has stored has none."""
    if stored.created is None:
        return {}
    return {"created": stored.created, "lastModified": stored.last_modified}


def _wanted(sent: GdprConfigurationInput) -> GdprPolicy:
    return GdprPolicy(
        retention_time=sent["retentionTime"],
        deletion_time_after_retention=sent.get("deletionTimeAfterRetention", DEFAULT_DELETION_DAYS),
        actor_anonymization=sent.get("actorAnonymization", True),
        version=sent["version"],
    )


def _policy(policy: GdprPolicy) -> dict[str, Any]:
    return {
        "id": "gdpr",
        "version": policy.version,
        "retentionTime": policy.retention_time,
        "deletionTimeAfterRetention": policy.deletion_time_after_retention,
        "actorAnonymization": policy.actor_anonymization,
        **_dates(policy),
    }
