"""The contract's OrderRecordForCreation and all below it, kept by hand: a change of it is a decision.

A member with `!` is required. Where the contract is silent, the limits are the design's (section 10):
texts of at most 1,024 characters, integers and numbers within 2^53, at least one line.
"""

from typing import Final

TEXT: Final = "string ..1024"
FILLED: Final = "string 1..1024"
DATE: Final = "string date-time"
INTEGER: Final = "integer -9007199254740992..9007199254740992"
NUMBER: Final = "number -9007199254740992..9007199254740992"
LOCALIZED: Final = "object of string ..1024 by string ..1024"
FREE: Final = "object of anything, or null"

_MONEY: Final = {
    "value!": INTEGER,
    "currency!": "one of 179",
    "decimalPlaces": "integer 0..20",  # the contract gives no limit; no currency has more than 4
}
_LINE: Final = {
    "article!": "object",
    "article.attributes!": "array ..100",
    "article.attributes[].category": "one of descriptive miscellaneous pickingSequence customs insurance shop"
    " dimensions carrierService salesPrice basePrice tax discount surcharge subtotalBeforeDiscounts"
    " subtotalAfterDiscounts finalUnitPrice finalLineItemPrice",
    "article.attributes[].key!": FILLED,
    "article.attributes[].keyLocalized": LOCALIZED,
    "article.attributes[].priority": INTEGER,
    "article.attributes[].type": "one of STRING NUMBER CURRENCY BOOLEAN",
    "article.attributes[].value!": FILLED,
    "article.attributes[].valueLocalized": LOCALIZED,
    "article.tenantArticleId!": TEXT,
    "article.title": TEXT,
    "customAttributes": FREE,
    "measurementUnitKey": TEXT,
    "quantity!": NUMBER,
    "returnPolicy": "object",
    "returnPolicy.isReturnable": "boolean",
    "returnPolicy.returnWindowEndDate": DATE,
    "warranty": "object",
    # The contract writes \d, which means a digit of any script to some readers and 0-9 to others.
    "warranty.warrantyPeriod": "string ..1024"
    " ^-?P(?:([0-9]+W)|([0-9]+Y)?([0-9]+M)?([0-9]+D)?(?:T([0-9]+H)?([0-9]+M)?([0-9]+S)?)?)$",
    "warranty.warrantyStartDate": DATE,
}
_ADDRESS: Final = (
    *("additionalAddressInfo", "city", "companyName", "country", "firstName", "houseNumber", "lastName"),
    *("postalCode", "province", "street"),
)
_AMOUNTS: Final = (
    *("payments[].value!", "payments[].taxValue", "pricing.discounts[].value", "pricing.fees[].value"),
    *("pricing.taxes[].value!", "pricing.taxes[].taxableValue"),
)


def _below(path: str, members: dict[str, str]) -> dict[str, str]:
    return {f"{path}.{name}": kind for name, kind in members.items()}


FACTS: Final[dict[str, str]] = {
    "orderRecordDate!": DATE,
    "facilityRef!": TEXT,
    "lineItems!": "array 1..500",
    **_below("lineItems[]", _LINE),
    "tenantOrderRecordId": FILLED,
    "customAttributes": FREE,
    # Not in the contract: the design lets a sender override the policy (section 4).
    "gdprCleanupDate": DATE,
    "deletionDate": DATE,
    "consumer": "object",
    "consumer.consumerId": TEXT,
    "consumer.email": TEXT,
    "consumer.addresses": "array ..10",
    **_below("consumer.addresses[]", dict.fromkeys(_ADDRESS, TEXT)),
    "origin": "object",
    "origin.type!": "one of POS",
    "origin.cashierId": TEXT,
    "origin.terminalId": TEXT,
    "payments": "array ..100",
    "payments[].paymentMethod": TEXT,
    "payments[].receiptNumber": TEXT,
    "payments[].status": "one of COMPLETED FAILED CANCELLED REFUNDED PARTIALLY_REFUNDED",
    "payments[].transactionId": TEXT,
    "pricing": "object",
    "pricing.discounts": "array ..100",
    **_below(
        "pricing.discounts[]",
        dict.fromkeys(("code", "context", "name", "tenantDiscountId", "type"), TEXT)
        | {"nameLocalized": LOCALIZED, "percentage": "number 0..100"},
    ),
    "pricing.fees": "array ..100",
    "pricing.fees[].name": TEXT,
    "pricing.taxes": "array ..100",
    "pricing.taxes[].ratePercent": NUMBER,
    "pricing.taxes[].scope": TEXT,
    "pricing.taxes[].type": TEXT,
    **dict.fromkeys(_AMOUNTS, "object"),
    **{f"{path.rstrip('!')}.{member}": kind for path in _AMOUNTS for member, kind in _MONEY.items()},
}

CURRENCIES_SHA256: Final = "342fac47b16fd82bb7cdd5c7c78cd33d1eb13a3b97c80a3b2dce4c851744bfee"
"""Of the contract's 179 currency codes, sorted and joined by commas."""
