"""The examples of the API's document, each by what it shows."""

from typing import Any, Final

from service.api.errors import SUMMARIES
from service.example_orders import ANONYMIZED, LEAST, ORDER, RECORD, Json

Examples = dict[str, Any]

_START: Final = "AVD3x0n2cTq9wJm1Kf0uJ4q0bH8eWm2sYkq7o3nCzR5dV1gXtA6yLhPp"
_END: Final = "AQf7k2LzM9c0Vt3RrXb5uS8dJe1nWq4yGh6TjPo2iKaEx0CvBm7sZlYw"

PUT_BODIES: Final[Examples] = {
    "An order with a person, prices and a payment": {"operations": [ORDER]},
    "No more than is required": {"operations": [LEAST]},
}
PUT_ANSWER: Final[Examples] = {
    "Three orders: stored, stored and deleted long ago, refused": {
        "summary": {"created": 1, "updated": 0, "unchanged": 1},
        "details": [
            {"status": "CREATED", "orderRecord": RECORD},
            {"status": "UNCHANGED"},
            {"status": "FAILED", "error": {"type": "VALIDATION", "message": "/facilityRef: Field required"}},
        ],
    },
}
LIST: Final[Examples] = {"A page with one record": {"orderRecords": [RECORD], "total": 1}}
RECORDS: Final[Examples] = {"As it was stored": RECORD, "After clean-up": ANONYMIZED}

_OF_A_CUSTOMER: Final[Json] = {
    "query": {"consumer": {"consumerId": {"eq": "C-1042"}}},
    "sort": [{"orderRecordDate": "DESC"}],
    "size": 20,
}
SEARCHES: Final[Examples] = {
    "A customer's orders, the latest first": {**_OF_A_CUSTOMER, "options": {"withTotal": True}},
    "The next page of it": {**_OF_A_CUSTOMER, "after": _END},
    "By receipt or number": {
        "query": {
            "or": [
                {"payments": {"contains": {"receiptNumber": {"eq": "000881"}}}},
                {"tenantOrderRecordId": {"in": ["R-2026-004711", "R-2026-004712"]}},
            ]
        }
    },
    "To be cleaned up within a week, in one shop": {
        "query": {
            "facilityRef": {"eq": "store-7"},
            "anonymized": {"eq": False},
            "gdprCleanupDate": {"before": "P1W"},
        }
    },
}
SEARCH_ANSWER: Final[Examples] = {
    "The only page": {
        "orderRecords": [RECORD],
        "pageInfo": {
            "hasNextPage": False,
            "hasPreviousPage": False,
            "startCursor": _START,
            "endCursor": _END,
        },
        "total": 1,
    }
}

CONFIGURATION: Final[Examples] = {
    "Orders are taken": {
        "id": "orderrecords",
        "version": 1,
        "isOrderRecordsEnabled": True,
        "created": "2026-11-02T08:00:00.000Z",
        "lastModified": "2026-11-02T08:00:00.000Z",
    }
}
DECISION: Final[Examples] = {"Take orders": {"version": 0, "isOrderRecordsEnabled": True}}
POLICY: Final[Examples] = {
    "Two weeks, then half a year": {
        "id": "gdpr",
        "version": 1,
        "retentionTime": 14,
        "deletionTimeAfterRetention": 180,
        "actorAnonymization": True,
        "created": "2026-11-03T09:15:00.000Z",
        "lastModified": "2026-11-03T09:15:00.000Z",
    }
}
CHANGED_POLICY: Final[Examples] = {
    **POLICY,
    "Of a dry run": {
        "id": "gdpr",
        "version": 1,
        "retentionTime": 14,
        "deletionTimeAfterRetention": 180,
        "actorAnonymization": True,
        "plan": {
            "digest": "sha256:7c3f0f0c2a86b0a5ffb4c1f0f4a6e0d57a1c5f3f1f0a9a6a4d6c1be0b7a9c211",
            "dueAtOnce": 8210,
            "movedEarlier": 15822,
            "movedLater": 0,
            "unchanged": 0,
            "dueForDeletion": 2,
            "malformed": 0,
            "bySender": 41,
        },
    },
}
NEW_POLICY: Final[Examples] = {"Two weeks, then half a year": {"version": 0, "retentionTime": 14}}
LIFECYCLE: Final[Examples] = {
    "Two deletions wait for the next sweep": {
        "now": "2026-11-23T10:30:00.000Z",
        "anonymize": {"dueByDay": {"2026-12-22": 310, "2026-12-23": 127}, "overdue": {"count": 0}},
        "delete": {
            "dueByDay": {"2026-11-24": 298},
            "overdue": {"count": 2, "oldest": "2026-11-23T10:29:58.120Z"},
        },
        "quarantine": {"MISSING_MEMBER": {"entries": 3, "sealed": 1}},
        "quarantineOverdue": {"count": 0},
        "policyHistory": [
            {
                "version": 1,
                "since": "2026-11-03T09:15:00.000Z",
                "retentionTime": 14,
                "deletionTimeAfterRetention": 180,
                "actorAnonymization": True,
            }
        ],
        "trail": {
            "lastAttestation": "2026-11-23T00:00:12.831Z",
            "n": 431,
            "unsent": 1,
            "unsentSince": "2026-11-23T10:30:00.127Z",
        },
        "lastSweep": "2026-11-23T10:29:56.004Z",
    }
}

ERRORS: Final[dict[int, Examples]] = {
    **{status: {"Refused": [{"summary": summary}]} for status, summary in SUMMARIES.items()},
    400: {
        "Two faults in one search": [
            {"summary": SUMMARIES[400], "description": "/size: Input should be greater than or equal to 1"},
            {
                "summary": SUMMARIES[400],
                "description": "/query/orderRecordDate/gte: not an RFC 3339 date-time",
            },
        ]
    },
    409: {
        "Two people decided at once": [
            {
                "summary": "Somebody else changed this since you read it",
                "requestVersion": 1,
                "version": 2,
            }
        ]
    },
    500: {"With its reference": [{"summary": SUMMARIES[500], "description": "reference 9f2c41d07be35a86"}]},
    503: {"Ask again": [{"summary": SUMMARIES[503]}]},
}
