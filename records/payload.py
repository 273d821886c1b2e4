"""The order as a sender hands it over: the contract's OrderRecordForCreation, every field and limit.

TypedDicts, not models: validating 2.3 kB into plain dicts costs a third of the objects
(docs/decisions/typed-dicts-on-the-hot-path.md). Names are the contract's, hence camelCase. The
descriptions are for readers of the API's document; "Erased at clean-up." is there when the erasure
table says so.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, Required

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from records.payload_lines import LineItem
from records.payload_prices import Payments, Pricing
from records.scalars import CLOSED, CustomAttributes, FilledText, Instant, Text

MAX_ORDER_BYTES: Final = 2**20
"""One order is at most 1 MiB on both ways in (design section 10)."""


@CLOSED
class Address(TypedDict, total=False):
    """Where a consumer lives or works. After clean-up only the country is left."""

    additionalAddressInfo: Annotated[
        Text, Field(description="What helps to find the door: a floor, a gate. Erased at clean-up.")
    ]
    city: Annotated[Text, Field(description="City or village. Erased at clean-up.")]
    companyName: Annotated[Text, Field(description="The firm at this address. Erased at clean-up.")]
    country: Annotated[
        Text, Field(description="By its ISO 3166 code as a rule, for example `DE`; it is not checked.")
    ]
    firstName: Annotated[Text, Field(description="Given name. Erased at clean-up.")]
    houseNumber: Annotated[Text, Field(description="With its suffix: `12a`. Erased at clean-up.")]
    lastName: Annotated[Text, Field(description="Family name. Erased at clean-up.")]
    postalCode: Annotated[Text, Field(description="As the country writes it. Erased at clean-up.")]
    province: Annotated[Text, Field(description="State, canton or the like. Erased at clean-up.")]
    street: Annotated[Text, Field(description="Without the house number. Erased at clean-up.")]


@CLOSED
class Consumer(TypedDict, total=False):
    """The person or company that bought. After clean-up only the countries of the addresses are left."""

    addresses: Annotated[
        list[Address], Field(max_length=10, description="Of the invoice, the delivery and so on.")
    ]
    consumerId: Annotated[
        Text, Field(description="The sender's own number of the customer. Erased at clean-up.")
    ]
    email: Annotated[Text, Field(description="Stored as it was sent, not checked. Erased at clean-up.")]


@CLOSED
class Origin(TypedDict, total=False):
    """Where the order was taken; a point of sale is the only kind there is."""

    type: Required[Annotated[Literal["POS"], Field(description="The kind of place: a point of sale.")]]
    cashierId: Annotated[Text, Field(description="Who stood at the till. Erased at clean-up.")]
    terminalId: Annotated[Text, Field(description="Which till it was.")]


@CLOSED
class OrderPayload(TypedDict, total=False):
    """A finished order, and where wanted the two dates by which its sender overrides the retention policy."""

    facilityRef: Required[
        Annotated[Text, Field(description="The sender's own name of the shop or warehouse; not checked.")]
    ]
    lineItems: Required[
        Annotated[
            list[LineItem], Field(min_length=1, max_length=500, description="What was bought, line by line.")
        ]
    ]
    orderRecordDate: Required[
        Annotated[Instant, Field(description="When the order took place; cut to milliseconds.")]
    ]
    consumer: Annotated[Consumer, Field(description="Who bought. May be absent: not every sale has a name.")]
    customAttributes: CustomAttributes
    deletionDate: Annotated[
        Instant,
        Field(
            description="When the whole record is to be deleted, instead of when the policy says. Not before "
            "`gdprCleanupDate`, which is computed from it where it is absent, and not farther ahead than the "
            "service allows (ten years by default)."
        ),
    ]
    gdprCleanupDate: Annotated[
        Instant,
        Field(
            description="When the person is to be erased from the record, instead of when the policy says. "
            "`deletionDate` is computed from it where it is absent."
        ),
    ]
    origin: Annotated[Origin, Field(description="The till. Absent where there was none.")]
    payments: Payments
    pricing: Annotated[Pricing, Field(description="Taxes, fees and discounts of the order as a whole.")]
    tenantOrderRecordId: Annotated[
        FilledText,
        Field(
            description="The sender's own number of the order, and what the order is known by: sent again "
            "with equal content it is unchanged, with other content it is refused. Absent: over REST the "
            "order is known by `Idempotency-Key` and its place in the request, on the topic by its event."
        ),
    ]


def _member_names(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
    for child in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _member_names(child)


KNOWN_MEMBERS: Final = frozenset(_member_names(TypeAdapter(OrderPayload).json_schema()))
"""Every name that the contract gives a member: what a pointer may spell out."""
