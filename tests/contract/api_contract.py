"""The contract's operations and answers, kept by hand; where we differ, what we have beyond it, and why.

The schemas of orders and of searches have tables of their own: order_contract.py and search_contract.py.
"""

from typing import Final, NamedTuple

from tests.contract.order_contract import DATE, ORDER_SCHEMAS, RECORD_SCHEMAS, TEXT, Schemas
from tests.contract.search_contract import SEARCH_SCHEMAS


class Operation(NamedTuple):
    """`parameters` by place and name (`!` marks a required one), body and answers by the names of schemas.

    Every status in `errors` is answered with an ApiError.
    """

    call: str
    permission: str
    parameters: dict[str, str]
    body: str | None
    answers: dict[int, str]
    errors: tuple[int, ...]


# What the contract has

OPERATIONS: Final = {
    "listOrderRecords": Operation(
        call="GET /api/orderrecords",
        permission="ORDER_RECORD_READ",
        parameters={
            "query startAfterId": TEXT,
            "query size": "number ..500",
            "query facilityRef": TEXT,
            "query tenantOrderRecordId": TEXT,
        },
        body=None,
        answers={200: "OrderRecords"},
        errors=(400, 401, 403),
    ),
    "bulkCreateOrderRecords": Operation(
        call="PUT /api/orderrecords",
        permission="ORDER_RECORD_WRITE",
        parameters={},
        body="OrderRecordBulkOperations",
        answers={200: "OrderRecordBulkOperationsResponse"},
        errors=(400, 401, 403, 404),
    ),
    "getOrderRecord": Operation(
        call="GET /api/orderrecords/{orderRecordId}",
        permission="ORDER_RECORD_READ",
        parameters={"path orderRecordId!": TEXT},
        body=None,
        answers={200: "OrderRecord"},
        errors=(401, 403, 404),
    ),
    "searchOrderRecord": Operation(
        call="POST /api/orderrecords/search",
        permission="ORDER_RECORD_READ",
        parameters={},
        body="OrderRecordSearchPayload",
        answers={200: "OrderRecordPaginatedResult"},
        errors=(401, 403),
    ),
    "getOrderRecordsConfiguration": Operation(
        call="GET /api/configurations/orderrecords",
        permission="CONFIG_READ",
        parameters={},
        body=None,
        answers={200: "OrderRecordsConfiguration"},
        errors=(401, 403),
    ),
    "updateOrderRecordsConfiguration": Operation(
        call="PUT /api/configurations/orderrecords",
        permission="CONFIG_WRITE",
        parameters={},
        body="OrderRecordsConfigurationInput",
        answers={200: "OrderRecordsConfiguration", 201: "OrderRecordsConfiguration"},
        errors=(400, 401, 403),
    ),
}

SCHEMAS: Final[Schemas] = {
    **ORDER_SCHEMAS,
    **RECORD_SCHEMAS,
    **SEARCH_SCHEMAS,
    "ApiError": {"[]": "ErrorInner"},
    "ErrorInner": {
        "summary!": "string",
        "description": "string",
        "requestVersion": "integer",
        "version": "integer",
    },
    "OrderRecords": {"orderRecords!": "array ..500 of OrderRecord", "total!": "number"},
    "OrderRecordPaginatedResult": {
        "pageInfo!": "PageInfo",
        "orderRecords!": "array of OrderRecord",
        "total": "number 0..",
    },
    "PageInfo": {
        "hasNextPage!": "boolean",
        "hasPreviousPage!": "boolean",
        "startCursor!": "string",
        "endCursor!": "string",
    },
    "OrderRecordBulkOperations": {"operations!": "array 1..25 of OrderRecordForCreation"},
    "OrderRecordBulkOperationsResponse": {
        "summary!": "OrderRecordBulkOperationsSummary",
        "details!": "array ..25 of OrderRecordBulkOperationResult",
    },
    "OrderRecordBulkOperationsSummary": dict.fromkeys(("created!", "updated!", "unchanged!"), "integer"),
    "OrderRecordBulkOperationResult": {
        "status!": "one of CREATED FAILED UNCHANGED",
        "orderRecord": "OrderRecord",
        "error": "OrderRecordBulkOperationError",
    },
    "OrderRecordBulkOperationError": {"type!": "one of VALIDATION UNKNOWN", "message!": "string"},
    "OrderRecordsConfiguration": {
        "id!": "string",
        "version!": "integer",
        "isOrderRecordsEnabled!": "boolean",  # the default that the contract gives it cannot apply
        "created": DATE,
        "lastModified": DATE,
    },
    "OrderRecordsConfigurationInput": {"version!": "integer", "isOrderRecordsEnabled!": "boolean"},
}

# Where we differ from it on purpose: what we have instead, and why

_WHOLE: Final = "half a record cannot be asked for or counted; 20.0 is taken as 20"
DIFFERENT: Final[dict[str, tuple[str, str]]] = {
    "listOrderRecords query size": ("integer 1..500 = 25", f"{_WHOLE}; its prose says 25 by default"),
    "OrderRecordSearchPayload size": ("integer 1..250", _WHOLE),
    "OrderRecordSearchPayload last": ("integer 1..250", _WHOLE),
    "OrderRecordSearchPayload after": ("string ..8192", "no cursor of ours is longer"),
    "OrderRecordSearchPayload before": ("string ..8192", "no cursor of ours is longer"),
    "OrderRecords total!": ("integer 0..", _WHOLE),
    "OrderRecordPaginatedResult total": ("integer 0..", _WHOLE),
    "OrderRecord version!": ("integer 1..", "a stored record has a version"),
    "OrderRecordsConfigurationInput version!": ("integer 0..9007199254740992", "none is below 0"),
    "OrderRecordForCreation lineItems!": (
        "array 1..500 of OrderRecordLineItemForCreation",
        "an order without a line is none; so says the contract's prose",
    ),
    "OrderRecordForCreation tenantOrderRecordId": ("string 1..1024", "an empty name names no order"),
    "OrderRecordMonetaryValue decimalPlaces": ("integer 0..20", "no currency has more than four"),
    "OrderRecordLineItemWarranty warrantyPeriod": (
        "string ..1024 ^-?P(?:([0-9]+W)|([0-9]+Y)?([0-9]+M)?([0-9]+D)?(?:T([0-9]+H)?([0-9]+M)?([0-9]+S)?)?)$",
        "to some readers the contract's \\d is a digit of any script",
    ),
}
_NO_FACILITIES: Final = "facilities are not known here, only what their senders call them (a 400)"
LACKING: Final[dict[str, str]] = {
    "OrderRecordSearchQuery facilityName": _NO_FACILITIES,
    "OrderRecordSort facilityName": _NO_FACILITIES,
    "OrderRecordSort facilityCountry": _NO_FACILITIES,
    "bulkCreateOrderRecords 404": "the contract does not say for what, and nothing is looked up here",
}

# What we have beyond it, and why

_DATES: Final = "the sender may override the policy (design section 4)"
_OVERSEE: Final = "those who watch erasure must be able to ask what is due, and where"
_SENT_BACK: Final = "ignored, so that what a GET answered can be sent back (api rule 19)"
MEMBERS_BEYOND: Final[dict[str, tuple[str, str]]] = {
    "bulkCreateOrderRecords header Idempotency-Key": ("string 1..256", "names orders that have no number"),
    "OrderRecordForCreation gdprCleanupDate": (DATE, _DATES),
    "OrderRecordForCreation deletionDate": (DATE, _DATES),
    "OrderRecordSearchQuery anonymized": ("FlagFilter", _OVERSEE),
    "OrderRecordSearchQuery gdprCleanupDate": ("DateFilter", _OVERSEE),
    "OrderRecordSearchQuery deletionDate": ("DateFilter", _OVERSEE),
    "OrderRecordSearchQuery facilityRef": ("StringFilter", _OVERSEE),
    "OrderRecordsConfigurationInput id": ("anything", _SENT_BACK),
    "OrderRecordsConfigurationInput created": ("anything", _SENT_BACK),
    "OrderRecordsConfigurationInput lastModified": ("anything", _SENT_BACK),
}
_EVERY: Final = frozenset(OPERATIONS) | {"getGdprConfiguration", "updateGdprConfiguration", "getLifecycle"}
_WITH_BODY: Final = frozenset(
    {
        "bulkCreateOrderRecords",
        "searchOrderRecord",
        "updateOrderRecordsConfiguration",
        "updateGdprConfiguration",
    }
)
STATUSES_BEYOND: Final[dict[int, tuple[frozenset[str], str]]] = {
    400: (
        frozenset({"getOrderRecord", "searchOrderRecord"}),
        "an id of more than 1,024 characters; a wrong search",
    ),
    408: (_EVERY, "a body that does not arrive; also one that a GET announces"),
    409: (
        frozenset({"updateOrderRecordsConfiguration"}),
        "a stale version; so the contract's general page says",
    ),
    413: (_EVERY, "a body over 16 MiB; also one that a GET announces"),
    414: (_EVERY, "an address over 8 KiB"),
    415: (_WITH_BODY, "a body that is not JSON in UTF-8"),
    431: (_EVERY, "more header fields than are read"),
    500: (_EVERY, "a fault of ours"),
    503: (_EVERY, "MongoDB is away, or too much is asked at once"),
}
_WATCHED: Final = "what is due and overdue, for those who must see no order (design section 8)"
_POLICY: Final = "the retention policy; its facts are api rules 19 to 21"
OPERATIONS_BEYOND: Final[dict[str, tuple[Operation, str]]] = {
    "getGdprConfiguration": (
        Operation(
            call="GET /api/configurations/gdpr",
            permission="CONFIG_READ",
            parameters={},
            body=None,
            answers={200: "GdprConfiguration"},
            errors=(401, 403),
        ),
        _POLICY,
    ),
    "updateGdprConfiguration": (
        Operation(
            call="PUT /api/configurations/gdpr",
            permission="CONFIG_WRITE",
            parameters={"query dryRun": "boolean = False"},
            body="GdprConfigurationInput",
            answers={200: "GdprConfiguration"},
            errors=(400, 401, 403, 409),
        ),
        _POLICY,
    ),
    "getLifecycle": (
        Operation(
            call="GET /api/lifecycle",
            permission="LIFECYCLE_READ",
            parameters={"query days": "integer 1..366 = 30"},
            body=None,
            answers={200: "Lifecycle"},
            errors=(400, 401, 403),
        ),
        _WATCHED,
    ),
}
_DAYS: Final = "integer 1..36500"  # whole days, and at most a century: api rule 19 says number, at least 1
SCHEMAS_BEYOND: Final[dict[str, tuple[dict[str, str], str]]] = {
    "FlagFilter": ({"eq": "boolean"}, _OVERSEE),
    "GdprConfiguration": (
        {
            "id!": "one of gdpr",
            "version!": "integer",
            "retentionTime!": "integer",
            "deletionTimeAfterRetention!": "integer",
            "actorAnonymization!": "boolean",
            "created": "string date-time",
            "lastModified": "string date-time",
            "plan": "GdprPlan",
        },
        _POLICY,
    ),
    "GdprPlan": (
        {
            "digest!": "string",
            **dict.fromkeys(("dueAtOnce!", "movedEarlier!", "movedLater!", "unchanged!"), "integer"),
            **dict.fromkeys(("dueForDeletion!", "malformed!", "bySender!"), "integer"),
        },
        "what a change would do has to be known before it is made",
    ),
    "GdprConfigurationInput": (
        {
            "version!": "integer 0..9007199254740992",
            "retentionTime!": _DAYS,
            "deletionTimeAfterRetention": _DAYS,
            "actorAnonymization": "boolean",
            **dict.fromkeys(("id", "created", "lastModified"), "anything"),
        },
        _POLICY,
    ),
    "Lifecycle": (
        {
            "now!": DATE,
            "anonymize!": "LifecycleAction",
            "delete!": "LifecycleAction",
            "quarantine!": "object of QuarantineFigure",
            "quarantineOverdue!": "OverdueFigure",
            "policyHistory!": "array ..100 of PolicyHistory",
            "lastSweep": DATE,
            "trail!": "TrailFigure",
        },
        _WATCHED,
    ),
    "LifecycleAction": ({"dueByDay!": "object of integer", "overdue!": "OverdueFigure"}, _WATCHED),
    "OverdueFigure": ({"count!": "integer", "oldest": DATE}, _WATCHED),
    "PolicyHistory": (
        {
            "version!": "integer",
            "since!": DATE,
            "retentionTime!": "integer",
            "deletionTimeAfterRetention!": "integer",
            "actorAnonymization!": "boolean",
        },
        _WATCHED,
    ),
    "TrailFigure": (
        {"lastAttestation": DATE, "n!": "integer", "unsent!": "integer", "unsentSince": DATE},
        _WATCHED,
    ),
    "QuarantineFigure": ({"entries!": "integer", "sealed!": "integer"}, _WATCHED),
}
