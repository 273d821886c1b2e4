"""A search as clients send it: the contract's OrderRecordSearchPayload, and what we add to it.

Beyond the contract: `anonymized`, `gdprCleanupDate`, `deletionDate`, `facilityRef`. Not here:
`facilityName` and `facilityCountry`, since facilities are not known to this service.
"""

from typing import Annotated, Any, Final, Literal, Required

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter, with_config
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from records.cursor import MAX_CURSOR_CHARACTERS
from records.durations import parse_duration
from records.payload import Instant

MAX_PAGE: Final = 250
MAX_ALTERNATIVES: Final = 500

_CLOSED = with_config(ConfigDict(strict=True, extra="forbid"))
_Short = Annotated[str, Field(max_length=256)]
_Texts = Annotated[list[_Short], Field(max_length=25)]
_FromNow = Annotated[str, Field(max_length=256), AfterValidator(parse_duration)]
_Direction = Literal["ASC", "DESC"]


def _whole(value: object) -> object:
    """The contract says `number`: 20.0 is 20, and 20.5 stays for the schema to refuse."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_PageSize = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=MAX_PAGE)]
_Cursor = Annotated[str, Field(max_length=MAX_CURSOR_CHARACTERS)]
_StartAfterId = Annotated[
    str,
    Field(
        max_length=1024,
        deprecated=True,
        description="Starts after this id, in the default order alone; `after` takes its place.",
    ),
]

StringFilter = TypedDict(
    "StringFilter", {"eq": _Short, "notEq": _Short, "in": _Texts, "notIn": _Texts}, total=False
)
StringFilter.__doc__ = "Exact and case-sensitive; all operators hold. An absent value is unequal to any text."
_CLOSED(StringFilter)


@_CLOSED
class DateFilter(TypedDict, total=False):
    """All operators hold; `after` and `before` are ISO 8601 durations relative to now."""

    eq: Instant
    notEq: Instant
    gt: Instant
    gte: Instant
    lt: Instant
    lte: Instant
    after: _FromNow
    before: _FromNow


@_CLOSED
class FlagFilter(TypedDict, total=False):
    """Whether something is so."""

    eq: bool


@_CLOSED
class AddressFilter(TypedDict, total=False):
    """What one address has to satisfy."""

    companyName: StringFilter
    lastName: StringFilter


@_CLOSED
class AddressesFilter(TypedDict, total=False):
    """One address satisfies `contains`; `exists: false` means that there is none."""

    contains: AddressFilter
    exists: bool


@_CLOSED
class ConsumerFilter(TypedDict, total=False):
    """The person or company that bought."""

    addresses: AddressesFilter
    consumerId: StringFilter


@_CLOSED
class ArticleFilter(TypedDict, total=False):
    """The article of a line."""

    tenantArticleId: StringFilter


@_CLOSED
class LineItemFilter(TypedDict, total=False):
    """What one line has to satisfy."""

    article: ArticleFilter


@_CLOSED
class LineItemsFilter(TypedDict, total=False):
    """One line satisfies `contains`; `exists: false` means that there is none."""

    contains: LineItemFilter
    exists: bool


@_CLOSED
class OriginFilter(TypedDict, total=False):
    """Where the order was taken."""

    cashierId: StringFilter
    terminalId: StringFilter


@_CLOSED
class PaymentFilter(TypedDict, total=False):
    """What one payment has to satisfy."""

    receiptNumber: StringFilter
    transactionId: StringFilter


@_CLOSED
class PaymentsFilter(TypedDict, total=False):
    """One payment satisfies `contains`; `exists: false` means that there is none."""

    contains: PaymentFilter
    exists: bool


_Queries = Annotated[list["SearchQuery"], Field(max_length=MAX_ALTERNATIVES)]
SearchQuery = TypedDict(
    "SearchQuery",
    {
        "and": _Queries,
        "or": _Queries,
        "anonymized": FlagFilter,
        "consumer": ConsumerFilter,
        "deletionDate": DateFilter,
        "facilityRef": StringFilter,
        "gdprCleanupDate": DateFilter,
        "lineItems": LineItemsFilter,
        "orderRecordDate": DateFilter,
        "origin": OriginFilter,
        "payments": PaymentsFilter,
        "tenantOrderRecordId": StringFilter,
    },
    total=False,
)
SearchQuery.__doc__ = "All members hold; `{}` matches every record, `and: []` too, `or: []` none."
_CLOSED(SearchQuery)


@_CLOSED
class AddressesSort(TypedDict, total=False):
    """By an address: its smallest value ascending, its largest descending."""

    city: _Direction
    companyName: _Direction
    country: _Direction
    firstName: _Direction
    lastName: _Direction
    postalCode: _Direction


@_CLOSED
class ConsumerSort(TypedDict, total=False):
    """By the consumer."""

    addresses: AddressesSort


@_CLOSED
class LineItemsSort(TypedDict, total=False):
    """By the lines: the smallest quantity ascending, the largest descending."""

    quantity: _Direction


@_CLOSED
class OriginSort(TypedDict, total=False):
    """By where the order was taken."""

    cashierId: _Direction
    terminalId: _Direction
    type: _Direction


@_CLOSED
class PaymentsSort(TypedDict, total=False):
    """By a payment: the smallest value ascending, the largest descending."""

    paymentMethod: _Direction
    receiptNumber: _Direction
    status: _Direction
    transactionId: _Direction


@_CLOSED
class TotalSort(TypedDict, total=False):
    """By the grand total, in minor units whatever the currency."""

    priceBreakdownTotal: _Direction


@_CLOSED
class PricingSort(TypedDict, total=False):
    """By the prices."""

    total: TotalSort


@_CLOSED
class SearchSort(TypedDict, total=False):
    """Exactly one key. Null and absent come first ascending, last descending; ties go by id."""

    consumer: ConsumerSort
    lineItems: LineItemsSort
    orderRecordDate: _Direction
    origin: OriginSort
    payments: PaymentsSort
    pricing: PricingSort
    tenantOrderRecordId: _Direction


def sort_keys(sort: Any, path: str = "") -> list[tuple[str, str]]:
    """The keys of a sort with their directions, by dotted path."""
    if not isinstance(sort, dict):
        return [(path, sort)]
    return [key for name, value in sort.items() for key in sort_keys(value, f"{path}.{name}".lstrip("."))]


def _check_one_key(sort: SearchSort) -> SearchSort:
    if len(sort_keys(sort)) != 1:
        raise PydanticCustomError("one_sort_key", "exactly one sort key")
    return sort


_OneKey = Annotated[SearchSort, AfterValidator(_check_one_key)]


@_CLOSED
class SearchOptions(TypedDict, total=False):
    """What the answer should hold besides the page."""

    withTotal: bool


@_CLOSED
class SearchPayload(TypedDict, total=False):
    """What to find, in which order, and which page of it."""

    query: Required[SearchQuery]
    after: Annotated[_Cursor, Field(description="The rows after this `endCursor`; not with before or last.")]
    before: Annotated[_Cursor, Field(description="The rows before this `startCursor`; not with after, size.")]
    last: Annotated[_PageSize, Field(description="The page's length read backwards, 20 by default.")]
    options: SearchOptions
    size: Annotated[_PageSize, Field(description="The page's length read forwards, 20 by default.")]
    sort: Annotated[list[_OneKey], Field(min_length=1, max_length=1)]
    startAfterId: _StartAfterId


SEARCH_PAYLOAD: Final = TypeAdapter(SearchPayload)
