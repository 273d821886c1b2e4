"""What the OpenAPI document says of each operation, answer, header and parameter: plain facts and words."""

from typing import Any, Final, NamedTuple

from service.api import examples
from service.api.auth import Permission
from service.api.examples import Examples
from service.api.limits import KIB, MIB, Limits


class Content(NamedTuple):
    """A body or an answer: its schema by the contract's name, what it is, and what it looks like."""

    schema: str
    says: str
    examples: Examples


class Described(NamedTuple):
    """An operation. Every status in `errors`, and those that all have, is answered with an ApiError."""

    summary: str
    description: str
    permission: Permission
    answers: dict[int, Content]
    errors: dict[int, str]
    body: Content | None = None


_LIMITS: Final = Limits()
_ALL_HAVE: Final[dict[int, str]] = {
    401: "No good token: none at all, or one that is forged, expired or meant for somebody else.",
    403: "The token is good and lacks the permission.",
    408: f"The body took longer than {_LIMITS.body_seconds:g} seconds to arrive.",
    413: f"The body has more than {_LIMITS.body_bytes // MIB} MiB.",
    414: f"Path and query have more than {_LIMITS.url_bytes // KIB} KiB.",
    431: f"There are more than {_LIMITS.header_fields} header fields, or more than "
    f"{_LIMITS.header_bytes // KIB} KiB of them.",
    500: "A fault of the service. The reference in `description` is in its log as well.",
    503: "The service cannot answer now: MongoDB is away or slow, or too much is being asked at once. Where "
    "something can be done about it, `description` says what. Ask again after `Retry-After`.",
}
_WITH_PARAMETERS: Final = _ALL_HAVE | {
    400: "Something in the request is wrong. Every fault is named by its place."
}
_WITH_BODY: Final = _WITH_PARAMETERS | {415: "The body is not plain `application/json` in UTF-8."}
_WITH_VERSION: Final = _WITH_BODY | {
    409: "Somebody else changed this since it was read. Read it again before you decide again."
}

HEADERS: Final[dict[str, dict[str, Any]]] = {
    "X-Request-Id": {
        "description": "The name of the request, by which its lines in the log can be found.",
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {"description": "Always `Bearer`.", "schema": {"type": "string"}},
    "Retry-After": {
        "description": "Seconds to wait before asking again.",
        "schema": {"type": "integer", "minimum": 1},
    },
}
HEADER_OF: Final = {401: "WWW-Authenticate", 503: "Retry-After"}
"""What comes with a status, besides the name of the request."""

PARAMETERS: Final[dict[str, str]] = {
    "days": "How many days to look ahead.",
    "dryRun": "Whether only to say what the change would do: nothing is changed. `true` or `false`.",
    "facilityRef": "Only records of this shop or warehouse.",
    "Idempotency-Key": "Names the orders of this request that have no `tenantOrderRecordId`, together with "
    "their places in it: repeated with the same key and the same orders, it stores nothing twice. Without "
    "it a repeated request may.",
    "orderRecordId": "The `id` of a record.",
    "size": "How many records at most.",
    "startAfterId": "Only records after this id; no record need have it. The `id` of the last record of a "
    "page gives the next page.",
    "tenantOrderRecordId": "Only the record with this number.",
}
TAGS: Final = [
    {"name": "Order records", "description": "Storing finished orders, and finding them again."},
    {"name": "Configurations", "description": "Whether orders are taken, and how long they stay."},
    {"name": "Lifecycle", "description": "How erasure stands, for those who must see no order."},
]

_CONFIGURATION: Final = Content("OrderRecordsConfiguration", "How it is now.", examples.CONFIGURATION)
_POLICY: Final = Content("GdprConfiguration", "The policy in force.", examples.POLICY)

OPERATIONS: Final[dict[str, Described]] = {
    "listOrderRecords": Described(
        "Page through all records",
        "Records in ascending order of their ids, as they may be seen now: without the person from the "
        "clean-up date on, and not at all from the deletion date on.",
        Permission.ORDER_RECORD_READ,
        {200: Content("OrderRecords", "One page, and how many match in all.", examples.LIST)},
        _WITH_PARAMETERS,
    ),
    "bulkCreateOrderRecords": Described(
        "Store up to 25 orders",
        "Each order is judged alone and stored at most once. The request as a whole fails only when it is no "
        "list of 1 to 25 operations, or when nothing can be stored at the moment: then it can be repeated.",
        Permission.ORDER_RECORD_WRITE,
        {
            200: Content(
                "OrderRecordBulkOperationsResponse",
                "Every order was judged. Look at each `status`: some may have failed.",
                examples.PUT_ANSWER,
            )
        },
        _WITH_BODY
        | {403: "The token is good and lacks the permission, or the taking of orders is disabled."},
        Content("OrderRecordBulkOperations", "1 to 25 orders of at most 1 MiB each.", examples.PUT_BODIES),
    ),
    "getOrderRecord": Described(
        "Read one record",
        "One record as it may be seen now: without the person from the clean-up date on, and not at all from "
        "the deletion date on.",
        Permission.ORDER_RECORD_READ,
        {200: Content("OrderRecord", "The record.", examples.RECORDS)},
        _WITH_PARAMETERS | {404: "No record has this id, or it has been deleted."},
    ),
    "searchOrderRecord": Described(
        "Search records",
        "Filters, one sort, and pages in both directions. Without a sort, and by `orderRecordDate`, a page "
        "costs the same however deep it lies.",
        Permission.ORDER_RECORD_READ,
        {
            200: Content(
                "OrderRecordPaginatedResult", "One page, and where it stands.", examples.SEARCH_ANSWER
            )
        },
        _WITH_BODY,
        Content("OrderRecordSearchPayload", "What to find, of at most 1 MiB.", examples.SEARCHES),
    ),
    "getOrderRecordsConfiguration": Described(
        "Read whether orders are taken",
        "Answers also before anybody has decided: version 0, and disabled.",
        Permission.CONFIG_READ,
        {200: _CONFIGURATION},
        _ALL_HAVE,
    ),
    "updateOrderRecordsConfiguration": Described(
        "Enable or disable the taking of orders",
        "Made against the version that was read last. Equal content changes nothing, not even the version. "
        "Erasure goes on either way.",
        Permission.CONFIG_WRITE,
        {200: _CONFIGURATION, 201: _CONFIGURATION._replace(says="It was decided for the first time.")},
        _WITH_VERSION,
        Content(
            "OrderRecordsConfigurationInput",
            "The decision, and the version it is based on.",
            examples.DECISION,
        ),
    ),
    "getGdprConfiguration": Described(
        "Read the retention policy",
        "Answers also before anybody has set one: version 0, 30 days and 180 days.",
        Permission.CONFIG_READ,
        {200: _POLICY},
        _ALL_HAVE,
    ),
    "updateGdprConfiguration": Described(
        "Change the retention policy",
        "Made against the version that was read last. It holds for records to come and leaves the dates of "
        "stored ones alone, until the operator has them recomputed; the change is announced in the audit "
        "trail. Equal content changes nothing, not even the version. With `dryRun=true` nothing is changed, "
        "and the answer says what recomputing would do.",
        Permission.CONFIG_WRITE,
        {
            200: Content(
                "GdprConfiguration", "The policy in force, or what it would be.", examples.CHANGED_POLICY
            )
        },
        _WITH_VERSION,
        Content("GdprConfigurationInput", "The policy, and the version it is based on.", examples.NEW_POLICY),
    ),
    "getLifecycle": Described(
        "See how erasure stands",
        "What falls due by day, what is overdue, what the quarantine holds, and the policies so far: dates "
        "and counts, never an order.",
        Permission.LIFECYCLE_READ,
        {200: Content("Lifecycle", "How it stands now.", examples.LIFECYCLE)},
        _WITH_PARAMETERS,
    ),
}
"""By operationId."""
