"""The contract's schemas of an order and a record, kept by hand: a change of them is a decision.

By the contract's names of schemas and members; `!` marks a required member. Where the contract is silent, the
limits are the design's (section 10): texts of at most 1,024 characters, integers and numbers within 2^53. The
formats `int64` and `float` are left out: they tell generators which types to choose.
"""

from typing import Final

Schemas = dict[str, dict[str, str]]

TEXT: Final = "string ..1024"
FILLED: Final = "string 1..1024"
DATE: Final = "string date-time"
INTEGER: Final = "integer -9007199254740992..9007199254740992"
NUMBER: Final = "number -9007199254740992..9007199254740992"
LOCALIZED: Final = (
    "object of string ..1024 by string ..1024"  # the contract: an object (LocaleStringConstrained)
)
FREE: Final = "object or null"
MONEY: Final = "OrderRecordMonetaryValue"
MONEY_OR_NULL: Final = f"{MONEY} or null"

CURRENCIES_SHA256: Final = "342fac47b16fd82bb7cdd5c7c78cd33d1eb13a3b97c80a3b2dce4c851744bfee"
"""Of the contract's 179 currency codes, sorted and joined by commas."""

_PRICING: Final = {
    "discounts": "array ..100 of OrderRecordDiscount",
    "fees": "array ..100 of OrderRecordFee",
    "taxes": "array ..100 of OrderRecordTax",
}
_LINE: Final = {
    "article!": "OrderRecordLineItemArticle",
    "quantity!": NUMBER,
    "customAttributes": FREE,
    "measurementUnitKey": TEXT,
    "returnPolicy": "OrderRecordLineItemReturnPolicy",
    "warranty": "OrderRecordLineItemWarranty",
}
_ORDER: Final = {
    "orderRecordDate!": DATE,
    "facilityRef!": TEXT,
    "consumer": "OrderRecordConsumer",
    "customAttributes": FREE,
    "origin": "OrderRecordPosOrigin",
    "payments": "array ..100 of OrderRecordPayment",
    "tenantOrderRecordId": TEXT,
}

ORDER_SCHEMAS: Final[Schemas] = {
    "OrderRecordForCreation": {
        **_ORDER,
        "lineItems!": "array ..500 of OrderRecordLineItemForCreation",
        "pricing": "OrderRecordPricingForCreation",
    },
    "OrderRecordLineItemForCreation": _LINE,
    "OrderRecordPricingForCreation": _PRICING,
    "OrderRecordConsumer": {
        "addresses": "array ..10 of OrderRecordAddress",
        "consumerId": TEXT,
        "email": TEXT,
    },
    "OrderRecordAddress": {
        "additionalAddressInfo": TEXT,
        "city": TEXT,
        "companyName": TEXT,
        "country": TEXT,
        "firstName": TEXT,
        "houseNumber": TEXT,
        "lastName": TEXT,
        "postalCode": TEXT,
        "province": TEXT,
        "street": TEXT,
    },
    "OrderRecordLineItemArticle": {
        "tenantArticleId!": TEXT,
        "attributes!": "array ..100 of OrderRecordArticleAttributeItem",
        "title": TEXT,
    },
    "OrderRecordArticleAttributeItem": {
        "key!": FILLED,
        "value!": FILLED,
        "category": "one of descriptive miscellaneous pickingSequence customs insurance shop dimensions"
        " carrierService salesPrice basePrice tax discount surcharge subtotalBeforeDiscounts"
        " subtotalAfterDiscounts finalUnitPrice finalLineItemPrice",
        "keyLocalized": LOCALIZED,
        "priority": INTEGER,
        "type": "one of STRING NUMBER CURRENCY BOOLEAN",
        "valueLocalized": LOCALIZED,
    },
    "OrderRecordLineItemReturnPolicy": {"isReturnable": "boolean", "returnWindowEndDate": DATE},
    "OrderRecordLineItemWarranty": {
        "warrantyPeriod": r"string ..1024 ^-?P(?:(\d+W)|(\d+Y)?(\d+M)?(\d+D)?(?:T(\d+H)?(\d+M)?(\d+S)?)?)$",
        "warrantyStartDate": DATE,
    },
    "OrderRecordPosOrigin": {"type!": "one of POS", "cashierId": TEXT, "terminalId": TEXT},
    "OrderRecordPayment": {
        "value!": MONEY,
        "paymentMethod": TEXT,
        "receiptNumber": TEXT,
        "status": "one of COMPLETED FAILED CANCELLED REFUNDED PARTIALLY_REFUNDED",
        "taxValue": MONEY,
        "transactionId": TEXT,
    },
    "OrderRecordTax": {
        "value!": MONEY,
        "ratePercent": NUMBER,
        "scope": TEXT,
        "taxableValue": MONEY,
        "type": TEXT,
    },
    "OrderRecordFee": {"name": TEXT, "value": MONEY},
    "OrderRecordDiscount": {
        "code": TEXT,
        "context": TEXT,
        "name": TEXT,
        "nameLocalized": LOCALIZED,
        "percentage": "number 0..100",  # so the contract says in words
        "tenantDiscountId": TEXT,
        "type": TEXT,
        "value": MONEY,
    },
    "OrderRecordMonetaryValue": {"value!": INTEGER, "currency!": "one of 179", "decimalPlaces": "integer"},
}

RECORD_SCHEMAS: Final[Schemas] = {
    "OrderRecord": {
        **_ORDER,
        "id!": "string",
        "version!": "integer",
        "created!": DATE,
        "lastModified!": DATE,
        "anonymized!": "boolean",
        "gdprCleanupDate!": DATE,
        "deletionDate!": DATE,
        "lineItems!": "array ..500 of OrderRecordLineItem",
        "pricing": "OrderRecordPricing",
    },
    "OrderRecordLineItem": {"id!": "string", **_LINE},
    "OrderRecordPricing": {**_PRICING, "total": "OrderRecordPricingTotal"},
    "OrderRecordPricingTotal": {"priceBreakdown": "OrderRecordTotals"},
    "OrderRecordTotals": {
        "subTotal!": MONEY_OR_NULL,
        "totalDiscounts!": "OrderRecordTotalDiscounts or null",
        "totalLineItemSurcharges!": MONEY_OR_NULL,
        "totalTaxes!": MONEY_OR_NULL,
        "totalFees!": MONEY_OR_NULL,
        "total!": MONEY_OR_NULL,
    },
    "OrderRecordTotalDiscounts": {"value!": MONEY_OR_NULL, "breakdown!": "OrderRecordDiscountBreakdown"},
    "OrderRecordDiscountBreakdown": {"lineItemDiscounts!": MONEY_OR_NULL, "orderDiscounts!": MONEY_OR_NULL},
}
