"""The shapes of records, answers and errors, for the OpenAPI document: names and limits are the contract's.

Docstrings and descriptions are read by clients.
"""

from datetime import datetime
from typing import Annotated, Literal, NotRequired, Required

from pydantic import Field, RootModel
from typing_extensions import TypedDict

from records.payload import Consumer, OrderPayload, Origin
from records.payload_lines import LineItem
from records.payload_prices import Payments, Pricing
from records.scalars import CustomAttributes, Text
from records.totals import PriceBreakdown

_Total = Annotated[int, Field(ge=0)]


class ErrorInner(TypedDict):
    """One thing that is wrong. The two versions come with a 409."""

    summary: Annotated[str, Field(description="What is wrong, in the same words for the same status.")]
    description: NotRequired[
        Annotated[
            str,
            Field(
                description="What is wrong more exactly. A fault of the input begins with its place, a JSON "
                "pointer and a colon, in which `*` stands for a member that is not known here. What was sent "
                "is never repeated."
            ),
        ]
    ]
    requestVersion: NotRequired[Annotated[int, Field(description="The version that was sent.")]]
    version: NotRequired[Annotated[int, Field(description="The version that is stored.")]]


class ApiError(RootModel[list[ErrorInner]]):
    """Everything that is wrong with a request, each thing by its place and none with its value."""


class StoredLineItem(LineItem):
    """A line of a stored order."""

    id: Annotated[str, Field(description="Made from the record's id and the place of the line: it stays.")]


class PricingTotal(TypedDict, total=False):
    """What the order comes to."""

    priceBreakdown: Annotated[
        PriceBreakdown, Field(description="Computed once, when the order was stored, and never again.")
    ]


class StoredPricing(Pricing, total=False):
    """Prices as they were sent, and what they come to."""

    total: Annotated[
        PricingTotal, Field(description="What the order comes to. Absent where it holds no price at all.")
    ]


class OrderRecord(TypedDict, total=False):
    """A stored order. From its clean-up date on it is without everything that names or describes a person."""

    id: Required[
        Annotated[
            str,
            Field(
                description="Made by the service from the order's name and a secret: the same however often "
                "the order is sent, and telling nothing about it. Random for an order without a name."
            ),
        ]
    ]
    version: Required[
        Annotated[int, Field(ge=1, description="Goes up with each change, and clean-up is one.")]
    ]
    created: Required[
        Annotated[
            datetime, Field(description="When the order was sent: by PUT, or as an event to the topic.")
        ]
    ]
    lastModified: Required[Annotated[datetime, Field(description="When the record last changed.")]]
    anonymized: Required[Annotated[bool, Field(description="Whether the person has been erased.")]]
    gdprCleanupDate: Required[
        Annotated[datetime, Field(description="Clean-up: from then on nobody sees the person.")]
    ]
    deletionDate: Required[Annotated[datetime, Field(description="From then on nobody sees the record.")]]
    orderRecordDate: Required[Annotated[datetime, Field(description="When the order took place.")]]
    facilityRef: Required[
        Annotated[Text, Field(description="The sender's own name of the shop or warehouse.")]
    ]
    lineItems: Required[
        Annotated[list[StoredLineItem], Field(max_length=500, description="What was bought.")]
    ]
    consumer: Annotated[Consumer, Field(description="Who bought.")]
    customAttributes: CustomAttributes
    origin: Annotated[Origin, Field(description="The till.")]
    payments: Payments
    pricing: Annotated[StoredPricing, Field(description="What was charged and taken off, and the totals.")]
    tenantOrderRecordId: Annotated[
        Text, Field(description="The sender's own number of the order. Absent where it has none.")
    ]


class OrderRecords(TypedDict):
    """One page of the list."""

    orderRecords: Annotated[
        list[OrderRecord], Field(max_length=500, description="The page, in ascending order of the ids.")
    ]
    total: Annotated[
        _Total,
        Field(
            description="How many records match in all, whatever the page. Above 100,000 records, without a "
            "filter, it is estimated."
        ),
    ]


class PageInfo(TypedDict):
    """Where a page stands among all that matches. The cursors of an empty page are empty."""

    hasNextPage: Annotated[bool, Field(description="Whether more follows the page.")]
    hasPreviousPage: Annotated[bool, Field(description="Whether there is more before the page.")]
    startCursor: Annotated[
        str, Field(description="Its beginning: sent as `before` it gives the page before.")
    ]
    endCursor: Annotated[str, Field(description="Its end: sent as `after` it gives the page that follows.")]


class SearchResult(TypedDict, total=False):
    """One page of a search."""

    orderRecords: Required[Annotated[list[OrderRecord], Field(description="The page, as sorted.")]]
    pageInfo: Required[Annotated[PageInfo, Field(description="Where the page stands.")]]
    total: Annotated[
        _Total, Field(description="How many records match in all. There when `withTotal` asked for it.")
    ]


class BulkOperations(TypedDict):
    """Orders to store."""

    operations: Annotated[
        list[OrderPayload],
        Field(
            min_length=1,
            max_length=25,
            description="Each is judged alone: one that is wrong does not keep the others out. Members that "
            "are not known here are left out.",
        ),
    ]


class BulkError(TypedDict):
    """Why an order was not stored."""

    type: Annotated[
        Literal["VALIDATION", "UNKNOWN"],
        Field(description="`VALIDATION`: sent again as it is, the order fails again. `UNKNOWN` is not used."),
    ]
    message: Annotated[
        str,
        Field(description="What is wrong, each fault by its JSON pointer within the order; never a value."),
    ]


class BulkResult(TypedDict, total=False):
    """What became of one order."""

    status: Required[
        Annotated[
            Literal["CREATED", "FAILED", "UNCHANGED"],
            Field(
                description="`CREATED`: stored. `UNCHANGED`: it had been stored before, and may have been "
                "erased since. `FAILED`: not stored."
            ),
        ]
    ]
    orderRecord: Annotated[
        OrderRecord, Field(description="The record as it may be seen now. Absent for one that was deleted.")
    ]
    error: Annotated[BulkError, Field(description="Why it failed. There when it did.")]


class BulkSummary(TypedDict):
    """How many orders came to what; all others failed."""

    created: Annotated[int, Field(description="How many were stored.")]
    updated: Annotated[int, Field(description="Always 0, since records do not change.")]
    unchanged: Annotated[int, Field(description="How many had been stored already.")]


class BulkResponse(TypedDict):
    """What became of a PUT of orders."""

    summary: Annotated[BulkSummary, Field(description="In figures.")]
    details: Annotated[
        list[BulkResult], Field(max_length=25, description="Order by order, as they stood in the request.")
    ]
