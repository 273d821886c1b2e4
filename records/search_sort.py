"""In which order a search answers: the contract's sort keys, but for those of facilities."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from records.scalars import CLOSED

_Direction = Literal["ASC", "DESC"]


@CLOSED
class AddressesSort(TypedDict, total=False):
    """By an address: of several values the smallest counts ascending, the largest descending."""

    city: Annotated[_Direction, Field(description="By city or village.")]
    companyName: Annotated[_Direction, Field(description="By the firm.")]
    country: Annotated[_Direction, Field(description="By country.")]
    firstName: Annotated[_Direction, Field(description="By given name.")]
    lastName: Annotated[_Direction, Field(description="By family name.")]
    postalCode: Annotated[_Direction, Field(description="By postal code, as a text.")]


@CLOSED
class ConsumerSort(TypedDict, total=False):
    """A sort key of the person or company that bought."""

    addresses: Annotated[AddressesSort, Field(description="By an address.")]


@CLOSED
class LineItemsSort(TypedDict, total=False):
    """By the lines: the smallest quantity counts ascending, the largest descending."""

    quantity: Annotated[_Direction, Field(description="By quantity, whatever its unit.")]


@CLOSED
class OriginSort(TypedDict, total=False):
    """A sort key of the till."""

    cashierId: Annotated[_Direction, Field(description="By who stood at the till.")]
    terminalId: Annotated[_Direction, Field(description="By the till.")]
    type: Annotated[_Direction, Field(description="By the kind of place.")]


@CLOSED
class PaymentsSort(TypedDict, total=False):
    """By a payment: of several values the smallest counts ascending, the largest descending."""

    paymentMethod: Annotated[_Direction, Field(description="By how it was paid.")]
    receiptNumber: Annotated[_Direction, Field(description="By the number on the receipt, as a text.")]
    status: Annotated[_Direction, Field(description="By what became of it, as a text.")]
    transactionId: Annotated[_Direction, Field(description="By the payment provider's name of it.")]


@CLOSED
class TotalSort(TypedDict, total=False):
    """A sort key of the computed totals."""

    priceBreakdownTotal: Annotated[
        _Direction, Field(description="By the grand total in minor units, whatever the currency.")
    ]


@CLOSED
class PricingSort(TypedDict, total=False):
    """A sort key of the prices."""

    total: Annotated[TotalSort, Field(description="By the computed totals.")]


@CLOSED
class SearchSort(TypedDict, total=False):
    """Exactly one key, at whatever depth.

    Null and absent come first ascending and last descending; ties are in the order of the ids.
    """

    consumer: Annotated[ConsumerSort, Field(description="By who bought.")]
    lineItems: Annotated[LineItemsSort, Field(description="By the lines.")]
    orderRecordDate: Annotated[
        _Direction, Field(description="By when the order took place. A page costs the same at any depth.")
    ]
    origin: Annotated[OriginSort, Field(description="By where the order was taken.")]
    payments: Annotated[PaymentsSort, Field(description="By a payment.")]
    pricing: Annotated[PricingSort, Field(description="By the prices.")]
    tenantOrderRecordId: Annotated[
        _Direction, Field(description="By the sender's number of the order, as a text.")
    ]


def sort_keys(sort: Any, path: str = "") -> list[tuple[str, str]]:
    """The keys of a sort with their directions, by dotted path."""
    if not isinstance(sort, dict):
        return [(path, sort)]
    return [key for name, value in sort.items() for key in sort_keys(value, f"{path}.{name}".lstrip("."))]


def _check_one_key(sort: SearchSort) -> SearchSort:
    if len(sort_keys(sort)) != 1:
        raise PydanticCustomError("one_sort_key", "exactly one sort key")
    return sort


OneSortKey = Annotated[SearchSort, AfterValidator(_check_one_key)]
