"""The shapes of answers and bodies, for the OpenAPI document: names and limits are the contract's."""

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, Required

from pydantic import ConfigDict, Field, RootModel, with_config
from typing_extensions import TypedDict

from records.money import SAFE_INTEGER
from records.payload import (
    Article,
    Consumer,
    CustomAttributes,
    Discount,
    Fee,
    Number,
    OrderPayload,
    Origin,
    Payment,
    ReturnPolicy,
    Tax,
    Text,
    Warranty,
)
from records.policy import MAX_POLICY_DAYS
from records.totals import PriceBreakdown

_STRICT = with_config(ConfigDict(strict=True, extra="forbid"))
_Version = Annotated[
    int, Field(ge=0, le=SAFE_INTEGER, description="For optimistic locking: send the one you read last.")
]
_Days = Annotated[int, Field(ge=1, le=MAX_POLICY_DAYS)]


class ErrorInner(TypedDict):
    """One thing that is wrong. The two versions come with a 409: the one sent, and the one stored."""

    summary: str
    description: NotRequired[str]
    requestVersion: NotRequired[int]
    version: NotRequired[int]


class ApiError(RootModel[list[ErrorInner]]):
    """Everything that is wrong with a request, without a value of it."""


class StoredLineItem(TypedDict, total=False):
    """A line of a stored order; its id comes from the record and the place of the line."""

    id: Required[str]
    article: Required[Article]
    quantity: Required[Number]
    customAttributes: CustomAttributes
    measurementUnitKey: Text
    returnPolicy: ReturnPolicy
    warranty: Warranty


class PricingTotal(TypedDict, total=False):
    """The computed totals."""

    priceBreakdown: PriceBreakdown


class StoredPricing(TypedDict, total=False):
    """Prices as they were sent, and the totals computed from them."""

    discounts: Annotated[list[Discount], Field(max_length=100)]
    fees: Annotated[list[Fee], Field(max_length=100)]
    taxes: Annotated[list[Tax], Field(max_length=100)]
    total: PricingTotal


class OrderRecord(TypedDict, total=False):
    """A stored order. After its clean-up date it has lost everything that names or describes a person."""

    id: Required[str]
    version: Required[Annotated[int, Field(ge=1)]]
    created: Required[datetime]
    lastModified: Required[datetime]
    anonymized: Required[bool]
    gdprCleanupDate: Required[datetime]
    deletionDate: Required[datetime]
    orderRecordDate: Required[datetime]
    facilityRef: Required[Text]
    lineItems: Required[Annotated[list[StoredLineItem], Field(max_length=500)]]
    consumer: Consumer
    customAttributes: CustomAttributes
    origin: Origin
    payments: Annotated[list[Payment], Field(max_length=100)]
    pricing: StoredPricing
    tenantOrderRecordId: Text


class OrderRecords(TypedDict):
    """One page of the list; `total` counts all that match, not the rest."""

    orderRecords: Annotated[list[OrderRecord], Field(max_length=500)]
    total: Annotated[int, Field(ge=0)]


class PageInfo(TypedDict):
    """Where the page stands; the cursors of an empty page are empty."""

    hasNextPage: bool
    hasPreviousPage: bool
    startCursor: str
    endCursor: str


class SearchResult(TypedDict, total=False):
    """One page of a search; `total` is there when it was asked for."""

    orderRecords: Required[list[OrderRecord]]
    pageInfo: Required[PageInfo]
    total: Annotated[int, Field(ge=0)]


@_STRICT
class BulkOperations(TypedDict):
    """Orders to store: each is judged alone, so one that is wrong does not keep the others out."""

    operations: Annotated[list[OrderPayload], Field(min_length=1, max_length=25)]


class BulkError(TypedDict):
    """Why an order was not stored."""

    type: Literal["VALIDATION", "UNKNOWN"]
    message: str


class BulkResult(TypedDict, total=False):
    """What became of one order; an erased order is UNCHANGED and has no orderRecord."""

    status: Required[Literal["CREATED", "FAILED", "UNCHANGED"]]
    orderRecord: OrderRecord
    error: BulkError


class BulkSummary(TypedDict):
    """How many orders came to what; records never change, so `updated` is 0."""

    created: int
    updated: int
    unchanged: int


class BulkResponse(TypedDict):
    """What became of each order, in the order of the request."""

    summary: BulkSummary
    details: Annotated[list[BulkResult], Field(max_length=25)]


class OrderRecordsConfiguration(TypedDict, total=False):
    """Whether orders are taken; version 0 until somebody has decided."""

    id: Required[str]
    version: Required[int]
    isOrderRecordsEnabled: Required[bool]
    created: datetime
    lastModified: datetime


@_STRICT
class OrderRecordsConfigurationInput(TypedDict, total=False):
    """The new decision; what a GET answered may be sent back whole."""

    version: Required[_Version]
    isOrderRecordsEnabled: Required[bool]
    id: Any
    created: Any
    lastModified: Any


class GdprConfiguration(TypedDict):
    """The retention policy, in days of 24 hours."""

    id: Literal["gdpr"]
    version: int
    retentionTime: int
    deletionTimeAfterRetention: int
    actorAnonymization: bool


@_STRICT
class GdprConfigurationInput(TypedDict, total=False):
    """The new policy; what is left out takes its default. A changed policy holds for records to come."""

    version: Required[_Version]
    retentionTime: Required[_Days]
    deletionTimeAfterRetention: _Days
    actorAnonymization: bool
    id: Any
    created: Any
    lastModified: Any


class OverdueFigure(TypedDict):
    """How many are past their date, and the oldest date among them."""

    count: int
    oldest: NotRequired[datetime]


class LifecycleAction(TypedDict):
    """One kind of erasure: due by day (UTC), and overdue."""

    dueByDay: dict[str, int]
    overdue: OverdueFigure


class QuarantineFigure(TypedDict):
    """Entries of one reason, and how many of them still hold their event."""

    entries: int
    sealed: int


class Lifecycle(TypedDict):
    """How erasure stands: dates and counts, never an order."""

    now: datetime
    anonymize: LifecycleAction
    delete: LifecycleAction
    quarantine: dict[str, QuarantineFigure]
    quarantineOverdue: OverdueFigure
    lastSweep: NotRequired[datetime]
