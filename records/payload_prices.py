"""The money of an order as a whole: payments, taxes, fees, discounts."""

from typing import Annotated, Literal, Required

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from records.money import Money
from records.reasons import Reason
from records.scalars import CLOSED, Localized, Number, Text


@CLOSED
class Payment(TypedDict, total=False):
    """Money that was paid or given back."""

    value: Required[Annotated[Money, Field(description="The amount; negative where it was given back.")]]
    paymentMethod: Annotated[
        Text,
        Field(
            description="In the sender's words. At clean-up `CARD`, `CASH`, `INVOICE`, `VOUCHER` and "
            "`ONLINE` stay as they are, and any other becomes `OTHER`."
        ),
    ]
    receiptNumber: Annotated[
        Text, Field(description="The number on the receipt. Kept, since returns are handled by it.")
    ]
    status: Annotated[
        Literal["COMPLETED", "FAILED", "CANCELLED", "REFUNDED", "PARTIALLY_REFUNDED"],
        Field(description="What had become of the payment when the order was sent."),
    ]
    taxValue: Annotated[Money, Field(description="How much of `value` is tax.")]
    transactionId: Annotated[
        Text, Field(description="What the payment provider calls the payment. Erased at clean-up.")
    ]


@CLOSED
class Tax(TypedDict, total=False):
    """One row of the tax breakdown."""

    value: Required[Annotated[Money, Field(description="The tax itself.")]]
    ratePercent: Annotated[Number, Field(description="In percent: 19 stands for 19 %.")]
    scope: Annotated[
        Text, Field(description="What the tax is on, in the sender's words. Erased at clean-up.")
    ]
    taxableValue: Annotated[Money, Field(description="The amount that the rate applies to.")]
    type: Annotated[Text, Field(description="Which tax it is, in the sender's words. Erased at clean-up.")]


@CLOSED
class Fee(TypedDict, total=False):
    """A charge beside the goods, such as shipping."""

    name: Annotated[Text, Field(description="What is charged for. Erased at clean-up.")]
    value: Annotated[Money, Field(description="The amount. A fee without one does not count in the totals.")]


@CLOSED
class _Discount(TypedDict, total=False):
    """Something off the order as a whole. After clean-up its size is left, and not what it was for."""

    code: Annotated[Text, Field(description="The code that was redeemed. Erased at clean-up.")]
    context: Annotated[Text, Field(description="Why it was granted. Erased at clean-up.")]
    name: Annotated[Text, Field(description="What the customer saw it called. Erased at clean-up.")]
    nameLocalized: Annotated[Localized, Field(description="The name by language. Erased at clean-up.")]
    percentage: Annotated[
        float,
        Field(
            ge=0,
            le=100,
            allow_inf_nan=False,
            description="In percent of the subtotal less the discounts of lines. Required where `type` is "
            "`PERCENTAGE`.",
        ),
    ]
    tenantDiscountId: Annotated[
        Text, Field(description="The sender's own name of the discount. Erased at clean-up.")
    ]
    type: Annotated[
        Text,
        Field(
            description="`PERCENTAGE` needs `percentage`, `ABSOLUTE` needs `value`; any other text is taken "
            "as it is. At clean-up `PERCENTAGE`, `ABSOLUTE` and `COUPON` stay, and any other goes."
        ),
    ]
    value: Annotated[
        Money,
        Field(description="What it takes off, whatever its sign. Required where `type` is `ABSOLUTE`."),
    ]


def _check_discount(discount: _Discount) -> _Discount:
    """The contract: PERCENTAGE requires percentage, ABSOLUTE requires value (api rule 51)."""
    needed = {"PERCENTAGE": "percentage", "ABSOLUTE": "value"}.get(discount.get("type", ""))
    if needed and needed not in discount:
        raise PydanticCustomError(Reason.MISSING_MEMBER.value, "a discount of this type needs its amount")
    return discount


Discount = Annotated[_Discount, AfterValidator(_check_discount)]

Discounts = Annotated[
    list[Discount], Field(max_length=100, description="What was taken off the order as a whole.")
]
Fees = Annotated[list[Fee], Field(max_length=100, description="What was charged beside the goods.")]
Taxes = Annotated[
    list[Tax],
    Field(
        max_length=100, description="The tax breakdown. Where there is one, taxes of the lines do not count."
    ),
]
Payments = Annotated[list[Payment], Field(max_length=100, description="How the order was paid.")]


@CLOSED
class Pricing(TypedDict, total=False):
    """Taxes, fees and discounts of the order as a whole; prices of goods are attributes of their lines."""

    discounts: Discounts
    fees: Fees
    taxes: Taxes
