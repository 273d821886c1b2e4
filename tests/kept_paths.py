"""The design's erasure table (section 5), written down by hand: what is left of a record.

Taken from the page, not from the code, so that a slip in the code's table shows.
"""

from typing import Final

_MONEY: Final = ("value", "currency", "decimalPlaces")
_ONE_BY_ONE: Final = """
    _id version created lastModified anonymized gdprCleanupDate deletionDate datesBy policyVersion
    tenantOrderRecordId orderRecordDate facilityRef
    consumer.addresses.country
    lineItems.id lineItems.quantity lineItems.measurementUnitKey
    lineItems.returnPolicy.isReturnable lineItems.returnPolicy.returnWindowEndDate
    lineItems.warranty.warrantyPeriod lineItems.warranty.warrantyStartDate
    lineItems.article.tenantArticleId lineItems.article.title
    lineItems.article.attributes.key lineItems.article.attributes.value
    lineItems.article.attributes.category lineItems.article.attributes.type
    lineItems.article.attributes.priority
    payments.status payments.receiptNumber payments.paymentMethod
    origin.type origin.terminalId
    pricing.taxes.ratePercent pricing.discounts.type pricing.discounts.percentage
"""
_AMOUNTS: Final = """
    payments.value payments.taxValue
    pricing.taxes.value pricing.taxes.taxableValue pricing.fees.value pricing.discounts.value
    pricing.total.priceBreakdown.subTotal pricing.total.priceBreakdown.total
    pricing.total.priceBreakdown.totalFees pricing.total.priceBreakdown.totalLineItemSurcharges
    pricing.total.priceBreakdown.totalTaxes pricing.total.priceBreakdown.totalDiscounts.value
    pricing.total.priceBreakdown.totalDiscounts.breakdown.lineItemDiscounts
    pricing.total.priceBreakdown.totalDiscounts.breakdown.orderDiscounts
"""

KEPT: Final = frozenset(_ONE_BY_ONE.split()) | {
    f"{path}.{name}" for path in _AMOUNTS.split() for name in _MONEY
}
"""Paths of members that are kept; lists are walked through."""

PRICE_CATEGORIES: Final = frozenset(
    [
        *("basePrice", "salesPrice", "tax", "discount", "surcharge"),
        *("subtotalBeforeDiscounts", "subtotalAfterDiscounts", "finalUnitPrice", "finalLineItemPrice"),
    ]
)
"""Attributes of an article that are kept; all others go whole."""
PAYMENT_METHODS: Final = frozenset(["CARD", "CASH", "INVOICE", "VOUCHER", "ONLINE"])
"""Kept as they are; all others become OTHER."""
DISCOUNT_TYPES: Final = frozenset(["PERCENTAGE", "ABSOLUTE", "COUPON"])
"""Kept as they are; all others go."""
