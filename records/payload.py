"""The order as a sender hands it over: the contract's OrderRecordForCreation, every field and limit.

TypedDicts, not models: validating 2.3 kB into plain dicts costs a third of the objects
(docs/decisions/typed-dicts-on-the-hot-path.md). Names are the contract's, hence camelCase.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, NotRequired, Required

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    WithJsonSchema,
    with_config,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from records.free_json import check_custom_attributes, check_names
from records.money import SAFE_INTEGER, Money, SafeInteger
from records.reasons import Reason

MAX_ORDER_BYTES: Final = 2**20
"""One order is at most 1 MiB on both ways in (design section 10)."""

_CLOSED = with_config(ConfigDict(strict=True, extra="forbid"))
_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)


def parse_instant(value: object) -> datetime:
    """An RFC 3339 date-time as UTC, cut to the milliseconds that are stored (api rule 9)."""
    if not isinstance(value, str):
        raise PydanticCustomError(Reason.WRONG_TYPE.value, "a date-time is a string")
    if not _RFC_3339.fullmatch(value):
        raise PydanticCustomError(Reason.INVALID_DATE.value, "not an RFC 3339 date-time")
    try:
        instant = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError(Reason.INVALID_DATE.value, "no such date or time") from None
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


Instant = Annotated[
    datetime, PlainValidator(parse_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
Text = Annotated[str, Field(max_length=1024)]
FilledText = Annotated[str, Field(min_length=1, max_length=1024)]
Number = Annotated[float, Field(ge=-SAFE_INTEGER, le=SAFE_INTEGER, allow_inf_nan=False)]
Localized = Annotated[dict[Text, Text], AfterValidator(check_names)]
CustomAttributes = Annotated[dict[str, Any] | None, AfterValidator(check_custom_attributes)]


@_CLOSED
class Address(TypedDict, total=False):
    """Where a consumer lives or works."""

    additionalAddressInfo: Text
    city: Text
    companyName: Text
    country: Text
    firstName: Text
    houseNumber: Text
    lastName: Text
    postalCode: Text
    province: Text
    street: Text


@_CLOSED
class Consumer(TypedDict, total=False):
    """The person or company that bought."""

    addresses: Annotated[list[Address], Field(max_length=10)]
    consumerId: Text
    email: Text


@_CLOSED
class Attribute(TypedDict, total=False):
    """One attribute of an article; prices are attributes too, told apart by their category."""

    key: Required[FilledText]
    value: Required[FilledText]
    category: Literal[
        "descriptive",
        "miscellaneous",
        "pickingSequence",
        "customs",
        "insurance",
        "shop",
        "dimensions",
        "carrierService",
        "salesPrice",
        "basePrice",
        "tax",
        "discount",
        "surcharge",
        "subtotalBeforeDiscounts",
        "subtotalAfterDiscounts",
        "finalUnitPrice",
        "finalLineItemPrice",
    ]
    keyLocalized: Localized
    priority: SafeInteger
    type: Literal["STRING", "NUMBER", "CURRENCY", "BOOLEAN"]
    valueLocalized: Localized


@_CLOSED
class Article(TypedDict):
    """What was bought."""

    tenantArticleId: Text
    attributes: Annotated[list[Attribute], Field(max_length=100)]
    title: NotRequired[Text]


@_CLOSED
class ReturnPolicy(TypedDict, total=False):
    """Until when a line may come back."""

    isReturnable: bool
    returnWindowEndDate: Instant


@_CLOSED
class Warranty(TypedDict, total=False):
    """How long, as an ISO 8601 duration, and from when."""

    warrantyPeriod: Annotated[
        str,
        Field(
            max_length=1024,
            pattern=r"^-?P(?:([0-9]+W)|([0-9]+Y)?([0-9]+M)?([0-9]+D)?(?:T([0-9]+H)?([0-9]+M)?([0-9]+S)?)?)$",
        ),
    ]
    warrantyStartDate: Instant


@_CLOSED
class LineItem(TypedDict, total=False):
    """An article in a quantity, which may be a fraction."""

    article: Required[Article]
    quantity: Required[Number]
    customAttributes: CustomAttributes
    measurementUnitKey: Text
    returnPolicy: ReturnPolicy
    warranty: Warranty


@_CLOSED
class Origin(TypedDict, total=False):
    """Where the order was taken; a point of sale is the only kind there is."""

    type: Required[Literal["POS"]]
    cashierId: Text
    terminalId: Text


@_CLOSED
class Payment(TypedDict, total=False):
    """Money that was paid or given back."""

    value: Required[Money]
    paymentMethod: Text
    receiptNumber: Text
    status: Literal["COMPLETED", "FAILED", "CANCELLED", "REFUNDED", "PARTIALLY_REFUNDED"]
    taxValue: Money
    transactionId: Text


@_CLOSED
class Tax(TypedDict, total=False):
    """One row of the tax breakdown; the rate is in percent."""

    value: Required[Money]
    ratePercent: Number
    scope: Text
    taxableValue: Money
    type: Text


@_CLOSED
class Fee(TypedDict, total=False):
    """A charge beside the goods, such as shipping."""

    name: Text
    value: Money


@_CLOSED
class _Discount(TypedDict, total=False):
    code: Text
    context: Text
    name: Text
    nameLocalized: Localized
    percentage: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
    tenantDiscountId: Text
    type: Text
    value: Money


def _check_discount(discount: _Discount) -> _Discount:
    """The contract: PERCENTAGE requires percentage, ABSOLUTE requires value (api rule 51)."""
    needed = {"PERCENTAGE": "percentage", "ABSOLUTE": "value"}.get(discount.get("type", ""))
    if needed and needed not in discount:
        raise PydanticCustomError(Reason.MISSING_MEMBER.value, "a discount of this type needs its amount")
    return discount


Discount = Annotated[_Discount, AfterValidator(_check_discount)]


@_CLOSED
class Pricing(TypedDict, total=False):
    """Taxes, fees and discounts of the order as a whole."""

    discounts: Annotated[list[Discount], Field(max_length=100)]
    fees: Annotated[list[Fee], Field(max_length=100)]
    taxes: Annotated[list[Tax], Field(max_length=100)]


@_CLOSED
class OrderPayload(TypedDict, total=False):
    """OrderRecordForCreation, and the two dates with which a sender may override the policy."""

    facilityRef: Required[Text]
    lineItems: Required[Annotated[list[LineItem], Field(min_length=1, max_length=500)]]
    orderRecordDate: Required[Instant]
    consumer: Consumer
    customAttributes: CustomAttributes
    deletionDate: Instant
    gdprCleanupDate: Instant
    origin: Origin
    payments: Annotated[list[Payment], Field(max_length=100)]
    pricing: Pricing
    tenantOrderRecordId: FilledText


def _member_names(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
    for child in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _member_names(child)


KNOWN_MEMBERS: Final = frozenset(_member_names(TypeAdapter(OrderPayload).json_schema()))
"""Every name that the contract gives a member: what a pointer may spell out."""
