"""What a search may ask for: the contract's filters, and what we add to them.

Beyond the contract: `anonymized`, `gdprCleanupDate`, `deletionDate`, `facilityRef`. Not here:
`facilityName`, since facilities are not known to this service.
"""

from typing import Annotated, Final

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from records.durations import parse_duration
from records.scalars import CLOSED, Instant

MAX_ALTERNATIVES: Final = 500

_Short = Annotated[str, Field(max_length=256)]
_Texts = Annotated[list[_Short], Field(max_length=25)]
_FromNow = Annotated[str, Field(max_length=256), AfterValidator(parse_duration)]
_Exists = Annotated[bool, Field(description="True: the list has entries. False: it is empty or absent.")]

StringFilter = TypedDict(
    "StringFilter",
    {
        "eq": Annotated[_Short, Field(description="Is this text.")],
        "notEq": Annotated[_Short, Field(description="Is not this text, or is absent.")],
        "in": Annotated[_Texts, Field(description="Is one of these texts.")],
        "notIn": Annotated[_Texts, Field(description="Is none of these texts, or is absent.")],
    },
    total=False,
)
StringFilter.__doc__ = "Compares a text, exactly and case-sensitively. All operators that are given hold."
CLOSED(StringFilter)


@CLOSED
class DateFilter(TypedDict, total=False):
    """Compares an instant. All operators that are given hold."""

    eq: Annotated[Instant, Field(description="At this millisecond.")]
    notEq: Annotated[Instant, Field(description="Not at this millisecond.")]
    gt: Annotated[Instant, Field(description="Later than this.")]
    gte: Annotated[Instant, Field(description="At this or later.")]
    lt: Annotated[Instant, Field(description="Earlier than this.")]
    lte: Annotated[Instant, Field(description="At this or earlier.")]
    after: Annotated[
        _FromNow,
        Field(description="Later than now plus an ISO 8601 duration: `-P1D` is within the last 24 hours."),
    ]
    before: Annotated[
        _FromNow,
        Field(description="Earlier than now plus an ISO 8601 duration: `-P1Y` is more than a year ago."),
    ]


@CLOSED
class FlagFilter(TypedDict, total=False):
    """Whether something is so."""

    eq: Annotated[bool, Field(description="True: it is so. False: it is not.")]


@CLOSED
class AddressFilter(TypedDict, total=False):
    """What one and the same address has to satisfy."""

    companyName: Annotated[StringFilter, Field(description="By the firm at the address.")]
    lastName: Annotated[StringFilter, Field(description="By the family name.")]


@CLOSED
class AddressesFilter(TypedDict, total=False):
    """By where the consumer lives or works."""

    contains: Annotated[AddressFilter, Field(description="At least one address satisfies all of this.")]
    exists: _Exists


@CLOSED
class ConsumerFilter(TypedDict, total=False):
    """By the person or company that bought."""

    addresses: Annotated[AddressesFilter, Field(description="By the addresses.")]
    consumerId: Annotated[StringFilter, Field(description="By the sender's number of the customer.")]


@CLOSED
class ArticleFilter(TypedDict, total=False):
    """By the article of a line."""

    tenantArticleId: Annotated[StringFilter, Field(description="By the sender's number of the article.")]


@CLOSED
class LineItemFilter(TypedDict, total=False):
    """What one and the same line has to satisfy."""

    article: Annotated[ArticleFilter, Field(description="By what was bought.")]


@CLOSED
class LineItemsFilter(TypedDict, total=False):
    """By the lines."""

    contains: Annotated[LineItemFilter, Field(description="At least one line satisfies all of this.")]
    exists: _Exists


@CLOSED
class OriginFilter(TypedDict, total=False):
    """By where the order was taken."""

    cashierId: Annotated[StringFilter, Field(description="By who stood at the till.")]
    terminalId: Annotated[StringFilter, Field(description="By the till.")]


@CLOSED
class PaymentFilter(TypedDict, total=False):
    """What one and the same payment has to satisfy."""

    receiptNumber: Annotated[StringFilter, Field(description="By the number on the receipt.")]
    transactionId: Annotated[StringFilter, Field(description="By the payment provider's name of it.")]


@CLOSED
class PaymentsFilter(TypedDict, total=False):
    """By the payments."""

    contains: Annotated[PaymentFilter, Field(description="At least one payment satisfies all of this.")]
    exists: _Exists


_Queries = Annotated[list["SearchQuery"], Field(max_length=MAX_ALTERNATIVES)]
SearchQuery = TypedDict(
    "SearchQuery",
    {
        "and": Annotated[_Queries, Field(description="All of these hold. An empty list always does.")],
        "or": Annotated[_Queries, Field(description="One of these holds. With an empty list nothing does.")],
        "anonymized": Annotated[FlagFilter, Field(description="Whether the person has been erased.")],
        "consumer": Annotated[ConsumerFilter, Field(description="By who bought.")],
        "deletionDate": Annotated[
            DateFilter, Field(description="By when the record falls due for deletion.")
        ],
        "facilityRef": Annotated[
            StringFilter, Field(description="By the sender's name of the shop or warehouse.")
        ],
        "gdprCleanupDate": Annotated[
            DateFilter, Field(description="By when the person is to be erased, or was.")
        ],
        "lineItems": Annotated[LineItemsFilter, Field(description="By what was bought.")],
        "orderRecordDate": Annotated[DateFilter, Field(description="By when the order took place.")],
        "origin": Annotated[OriginFilter, Field(description="By the till.")],
        "payments": Annotated[PaymentsFilter, Field(description="By how it was paid.")],
        "tenantOrderRecordId": Annotated[
            StringFilter,
            Field(description="By the sender's number of the order. With `eq` and `in` a look-up."),
        ],
    },
    total=False,
)
SearchQuery.__doc__ = (
    "What a record has to satisfy; all members hold, and `{}` matches every record. Records are matched as "
    "they are shown: one past its clean-up date has no consumer. `and` and `or` nest to 10 levels, and a "
    "query has at most 500 comparisons."
)
CLOSED(SearchQuery)
