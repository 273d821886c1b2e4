"""The order that documents show, and the record that it becomes. Its people do not exist.

A test holds that the one really becomes the other, and what the clean-up leaves of it.
"""

from typing import Any, Final

Json = dict[str, Any]


def _eur(cents: int) -> Json:
    return {"value": cents, "currency": "EUR", "decimalPlaces": 2}


_SHIRT: Final[Json] = {
    "article": {
        "tenantArticleId": "SHIRT-042",
        "title": "Linen shirt, blue",
        "attributes": [
            {"category": "basePrice", "key": "value", "value": "2490", "type": "CURRENCY"},
            {"category": "basePrice", "key": "currency", "value": "EUR", "type": "STRING"},
            {"category": "discount", "key": "percentage", "value": "10", "type": "NUMBER"},
            {"category": "descriptive", "key": "size", "value": "M", "keyLocalized": {"de_DE": "Größe"}},
        ],
    },
    "quantity": 2,
    "measurementUnitKey": "PIECE",
    "returnPolicy": {"isReturnable": True, "returnWindowEndDate": "2026-12-07T22:59:59.000Z"},
    "warranty": {"warrantyPeriod": "P2Y", "warrantyStartDate": "2026-11-23T10:14:58.120Z"},
    "customAttributes": {"embroidery": "A. B."},
}
_TEA: Final[Json] = {
    "article": {
        "tenantArticleId": "TEA-7",
        "attributes": [{"category": "basePrice", "key": "value", "value": "1998"}],
    },
    "quantity": 0.25,
    "measurementUnitKey": "KILOGRAM",
}
_PRICING: Final[Json] = {
    "discounts": [{"type": "COUPON", "code": "WELCOME-3", "value": _eur(300)}],
    "fees": [{"name": "Shipping", "value": _eur(495)}],
    "taxes": [
        {"ratePercent": 19, "type": "VAT", "taxableValue": _eur(4182), "value": _eur(795)},
        {"ratePercent": 7, "type": "VAT", "taxableValue": _eur(500), "value": _eur(35)},
    ],
}
_PAYMENT: Final[Json] = {
    "paymentMethod": "CARD",
    "status": "COMPLETED",
    "value": _eur(6007),
    "receiptNumber": "000881",
    "transactionId": "txn-5f0c77",
}

ORDER: Final[Json] = {
    "tenantOrderRecordId": "R-2026-004711",
    "orderRecordDate": "2026-11-23T10:14:58.120Z",
    "facilityRef": "store-7",
    "consumer": {
        "consumerId": "C-1042",
        "email": "ada.beispiel@example.com",
        "addresses": [
            {
                "firstName": "Ada",
                "lastName": "Beispiel",
                "street": "Musterweg",
                "houseNumber": "12a",
                "postalCode": "12345",
                "city": "Musterstadt",
                "country": "DE",
            }
        ],
    },
    "origin": {"type": "POS", "terminalId": "till-2", "cashierId": "cashier-31"},
    "lineItems": [_SHIRT, _TEA],
    "pricing": _PRICING,
    "payments": [_PAYMENT],
    "customAttributes": {"giftMessage": "Many happy returns, Ada!"},
}
LEAST: Final[Json] = {
    "orderRecordDate": "2026-11-23T10:20:00Z",
    "facilityRef": "store-7",
    "lineItems": [{"article": {"tenantArticleId": "TEA-7", "attributes": []}, "quantity": 1}],
}

_TOTAL: Final[Json] = {
    "priceBreakdown": {
        "subTotal": _eur(5480),
        "totalDiscounts": {
            "value": _eur(-798),
            "breakdown": {"lineItemDiscounts": _eur(-498), "orderDiscounts": _eur(-300)},
        },
        "totalLineItemSurcharges": None,
        "totalTaxes": _eur(830),
        "totalFees": _eur(495),
        "total": _eur(6007),
    }
}
_LINE_IDS: Final = ("9588695a-7fca-83d9-bf99-4a530f3d6d84", "a471c8b6-2c31-8eae-a278-c8bf9cf50c08")

RECORD: Final[Json] = {
    "id": "44ebfb54-e761-893a-be22-306d96d2a959",
    "version": 1,
    "created": "2026-11-23T10:15:02.417Z",
    "lastModified": "2026-11-23T10:15:02.417Z",
    "anonymized": False,
    "gdprCleanupDate": "2026-12-23T10:15:02.417Z",
    "deletionDate": "2027-06-21T10:15:02.417Z",
    **ORDER,
    "lineItems": [{"id": name, **line} for name, line in zip(_LINE_IDS, (_SHIRT, _TEA), strict=True)],
    "pricing": {**_PRICING, "total": _TOTAL},
}
ANONYMIZED: Final[Json] = {
    **{name: value for name, value in RECORD.items() if name != "customAttributes"},
    "version": 2,
    "lastModified": "2026-12-23T10:15:02.417Z",
    "anonymized": True,
    "consumer": {"addresses": [{"country": "DE"}]},
    "origin": {"type": "POS", "terminalId": "till-2"},
    "lineItems": [
        {
            **{name: value for name, value in RECORD["lineItems"][0].items() if name != "customAttributes"},
            "article": {**_SHIRT["article"], "attributes": _SHIRT["article"]["attributes"][:3]},
        },
        RECORD["lineItems"][1],
    ],
    "pricing": {
        "discounts": [{"type": "COUPON", "value": _eur(300)}],
        "fees": [{"value": _eur(495)}],
        "taxes": [
            {"ratePercent": 19, "taxableValue": _eur(4182), "value": _eur(795)},
            {"ratePercent": 7, "taxableValue": _eur(500), "value": _eur(35)},
        ],
        "total": _TOTAL,
    },
    "payments": [{name: value for name, value in _PAYMENT.items() if name != "transactionId"}],
}
