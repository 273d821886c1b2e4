"""Orders that break a rule of the contract or of design sections 4 and 10, whatever form they are sent in."""

from typing import Any, Final

from local.samples.faults import CANARY, Broken, drop, put, put_dates, put_raw
from records.reasons import Reason

_MONEY: Final = {"value": 1999, "currency": "EUR"}
_SAFE: Final = 2**53
_LINE: Final = {"article": {"tenantArticleId": CANARY, "attributes": []}, "quantity": 1}
_ATTRIBUTE: Final = {"key": "colour", "value": CANARY}
_QUANTITY: Final = "lineItems/0/quantity"
_ATTRIBUTES: Final = "lineItems/0/article/attributes"
_DISCOUNTS: Final = "pricing/discounts"
_FREE: Final = "customAttributes"
_LINE_FREE: Final = "lineItems/0/customAttributes"
_LONG: Final = CANARY + "x" * 1025


def _attribute(**members: Any) -> list[dict[str, Any]]:
    return [{**_ATTRIBUTE, **members}]


def _paid(amount: bytes) -> bytes:
    return b'[{"value":{"value":%s,"currency":"EUR"}}]' % amount


def _percent(percentage: int) -> bytes:
    return b'[{"type":"PERCENTAGE","percentage":%d}]' % percentage


def _nested(depth: int) -> bytes:
    """Objects in objects, so many levels, the outermost counted."""
    return b'{"a":' * depth + b"1" + b"}" * depth


def _nested_arrays(depth: int) -> bytes:
    """As ``_nested``, in fewer bytes."""
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


MISSING: Final[dict[str, Broken]] = {
    name: Broken(f"a required member is missing: {what}", build, Reason.MISSING_MEMBER)
    for name, what, build in (
        ("missing-facility", "facilityRef", drop("facilityRef")),
        ("missing-date", "orderRecordDate", drop("orderRecordDate")),
        ("missing-lines", "lineItems", drop("lineItems")),
        ("missing-article", "lineItems[].article", drop("lineItems/0/article")),
        ("missing-quantity", "lineItems[].quantity", drop(_QUANTITY)),
        ("missing-article-id", "article.tenantArticleId", drop("lineItems/0/article/tenantArticleId")),
        ("missing-attributes", "article.attributes", drop(_ATTRIBUTES)),
        ("missing-attribute-key", "attributes[].key", drop("lineItems/0/article/attributes/0/key")),
        ("missing-attribute-value", "attributes[].value", drop("lineItems/0/article/attributes/0/value")),
        ("missing-payment-value", "payments[].value", put("payments", [{"transactionId": CANARY}])),
        ("missing-tax-value", "taxes[].value", put("pricing/taxes", [{"type": CANARY}])),
        ("missing-money-value", "value of money", put("payments", [{"value": {"currency": "EUR"}}])),
        ("missing-money-currency", "currency of money", put("payments", [{"value": {"value": 1}}])),
        ("missing-origin-type", "origin.type", put("origin", {"cashierId": CANARY})),
        ("percentage-without-number", "percentage of PERCENTAGE",
         put(_DISCOUNTS, [{"type": "PERCENTAGE", "name": CANARY, "value": _MONEY}])),
        ("absolute-without-value", "value of ABSOLUTE",
         put(_DISCOUNTS, [{"type": "ABSOLUTE", "name": CANARY, "percentage": 5}])),
    )
}  # fmt: skip

WRONG_TYPES: Final[dict[str, Broken]] = {
    name: Broken(f"{path} has the wrong type", put(path, value), Reason.WRONG_TYPE)
    for name, path, value in (
        ("type-order-id-number", "tenantOrderRecordId", 4711),
        ("type-facility-number", "facilityRef", 42),
        ("type-date-number", "orderRecordDate", 1_793_000_000),
        ("type-lines-object", "lineItems", {CANARY: 1}),
        ("type-line-string", "lineItems/0", CANARY),
        ("type-article-array", "lineItems/0/article", [CANARY]),
        ("type-quantity-string", _QUANTITY, CANARY),
        ("type-quantity-boolean", _QUANTITY, True),
        ("type-attributes-object", _ATTRIBUTES, {CANARY: "585"}),
        ("type-attribute-value-number", _ATTRIBUTES, _attribute(value=585)),
        ("type-localized-number", _ATTRIBUTES, _attribute(valueLocalized={"de": 1})),
        ("type-priority-fraction", _ATTRIBUTES, _attribute(priority=1.5)),
        ("type-returnable-string", "lineItems/0/returnPolicy", {"isReturnable": CANARY}),
        ("type-warranty-number", "lineItems/0/warranty", {"warrantyPeriod": 24}),
        ("type-line-attributes-string", _LINE_FREE, CANARY),
        ("type-consumer-string", "consumer", CANARY),
        ("type-email-array", "consumer/email", [CANARY]),
        ("type-addresses-object", "consumer/addresses", {"0": {"lastName": CANARY}}),
        ("type-house-number", "consumer/addresses/0/houseNumber", 42),
        ("type-payments-object", "payments", {"value": _MONEY, "transactionId": CANARY}),
        ("type-payment-number", "payments", [{"value": 19.99}]),
        ("type-money-string", "payments", [{"value": {"value": CANARY, "currency": "EUR"}}]),
        ("type-money-fraction", "payments", [{"value": {"value": 19.99, "currency": "EUR"}}]),
        ("type-decimal-places-string", "payments", [{"value": {**_MONEY, "decimalPlaces": "2"}}]),
        ("type-pricing-array", "pricing", [CANARY]),
        ("type-tax-rate-string", "pricing/taxes", [{"value": _MONEY, "ratePercent": CANARY}]),
        ("type-fee-string", "pricing/fees", [CANARY]),
        ("type-percentage-string", _DISCOUNTS, [{"type": "PERCENTAGE", "percentage": CANARY}]),
        ("type-origin-string", "origin", CANARY),
        ("type-attributes-array", _FREE, [CANARY]),
        ("type-cleanup-number", "gdprCleanupDate", 1_793_000_000),
    )
}

LIMITS: Final[dict[str, Broken]] = {
    name: Broken(wrong, put(path, value), Reason.LIMIT_EXCEEDED)
    for name, wrong, path, value in (
        ("no-line-item", "an order without any line", "lineItems", []),
        ("too-many-lines", "501 lines, one too many", "lineItems", [_LINE] * 501),
        ("too-many-attributes", "101 attributes of an article",
         _ATTRIBUTES, [_ATTRIBUTE] * 101),
        ("too-many-addresses", "11 addresses", "consumer/addresses", [{"lastName": CANARY}] * 11),
        ("too-many-payments", "101 payments", "payments", [{"value": _MONEY}] * 101),
        ("too-many-taxes", "101 taxes", "pricing/taxes", [{"value": _MONEY}] * 101),
        ("too-many-fees", "101 fees", "pricing/fees", [{"name": CANARY}] * 101),
        ("too-many-discounts", "101 discounts", _DISCOUNTS, [{"code": CANARY}] * 101),
        ("string-too-long", "a last name of more than 1,024 characters",
         "consumer/addresses/0/lastName", _LONG),
        ("facility-too-long", "a facility of more than 1,024 characters", "facilityRef", _LONG),
        ("localized-too-long", "a localized name of more than 1,024 characters",
         _DISCOUNTS, [{"nameLocalized": {"de_DE": _LONG}}]),
        ("order-id-empty", "the order's id is empty", "tenantOrderRecordId", ""),
        ("attribute-key-empty", "the key of an attribute is empty",
         _ATTRIBUTES, _attribute(key="")),
        ("attribute-value-empty", "the value of an attribute is empty",
         _ATTRIBUTES, _attribute(value="")),
        ("custom-attributes-too-large", "more than 15,360 characters in the record's customAttributes",
         _FREE, {"note": CANARY + "x" * 15_360}),
        ("line-attributes-too-large", "more than 15,360 characters in a line's customAttributes",
         _LINE_FREE, {"notes": [CANARY + "x" * 999] * 16}),
    )
}  # fmt: skip

NUMBERS: Final[dict[str, Broken]] = {
    name: Broken(wrong, put_raw(path, text), Reason.NUMBER_OUT_OF_RANGE)
    for name, wrong, path, text in (
        ("integer-over-2-53", "money of 2^53 + 1", "payments", _paid(b"%d" % (_SAFE + 1))),
        ("integer-under-2-53", "money of -2^53 - 1", "payments", _paid(b"%d" % (-_SAFE - 1))),
        ("integer-30-digits", "money of 30 digits", "payments", _paid(b"9" * 30)),
        # Some parsers call this bad JSON; RFC 8259 allows the digits, so the number is at fault.
        ("integer-5000-digits", "money of 5,000 digits", "payments", _paid(b"9" * 5000)),
        ("quantity-nan", "a quantity of NaN, which is not even JSON", _QUANTITY, b"NaN"),
        ("quantity-infinity", "an infinite quantity", _QUANTITY, b"Infinity"),
        ("quantity-minus-infinity", "a quantity below all numbers", _QUANTITY, b"-Infinity"),
        ("quantity-1e400", "a quantity that no float holds", _QUANTITY, b"1e400"),
        ("attributes-nan", "NaN in customAttributes", _FREE, b'{"points":NaN}'),
        ("attributes-infinity", "-Infinity in a line's customAttributes", _LINE_FREE, b'{"a":[-Infinity]}'),
        ("attributes-1e400", "1e400 in customAttributes", _FREE, b'{"points":{"now":1e400}}'),
        ("attributes-integer-2-64", "2^64 in customAttributes", _FREE, b'{"card":%d}' % 2**64),
        ("attributes-30-digits", "30 digits in customAttributes", _FREE, b'{"card":%s}' % (b"7" * 30)),
        ("attributes-5000-digits", "5,000 digits in customAttributes", _FREE, b'{"card":%s}' % (b"7" * 5000)),
        ("percentage-101", "a discount of 101 percent", _DISCOUNTS, _percent(101)),
        ("percentage-negative", "a discount of -1 percent", _DISCOUNTS, _percent(-1)),
    )
}

VALUES: Final[dict[str, Broken]] = {
    name: Broken(wrong, put(path, value), reason)
    for name, wrong, path, value, reason in (
        ("currency-unknown", "a currency that ISO 4217 does not know",
         "payments", [{"value": {"value": 1, "currency": CANARY}}], Reason.UNKNOWN_VALUE),
        ("currency-lower-case", "a currency in small letters",
         "payments", [{"value": {"value": 1, "currency": "eur"}}], Reason.UNKNOWN_VALUE),
        ("status-unknown", "a payment status that the contract does not know",
         "payments", [{"value": _MONEY, "status": CANARY}], Reason.UNKNOWN_VALUE),
        ("category-unknown", "an attribute category that the contract does not know",
         _ATTRIBUTES, _attribute(category=CANARY), Reason.UNKNOWN_VALUE),
        ("attribute-type-unknown", "an attribute type that the contract does not know",
         _ATTRIBUTES, _attribute(type="DATE"), Reason.UNKNOWN_VALUE),
        ("origin-unknown", "an origin other than POS",
         "origin", {"type": "WEB", "cashierId": CANARY}, Reason.UNKNOWN_VALUE),
        ("warranty-in-words", "a warranty that is no ISO 8601 duration",
         "lineItems/0/warranty", {"warrantyPeriod": CANARY}, Reason.UNKNOWN_VALUE),
        ("warranty-with-fraction", "a warranty of one and a half years",
         "lineItems/0/warranty", {"warrantyPeriod": "P1.5Y"}, Reason.UNKNOWN_VALUE),
        ("warranty-with-newline", "a warranty with a line break after it",
         "lineItems/0/warranty", {"warrantyPeriod": "P2Y\n"}, Reason.UNKNOWN_VALUE),
        ("date-only", "a date without a time", "orderRecordDate", "2026-11-01", Reason.INVALID_DATE),
        ("date-naive", "a time without an offset",
         "orderRecordDate", "2026-11-01T10:00:00", Reason.INVALID_DATE),
        ("date-without-seconds", "a time without seconds",
         "orderRecordDate", "2026-11-01T10:00Z", Reason.INVALID_DATE),
        ("date-month-13", "the thirteenth month",
         "orderRecordDate", "2026-13-01T10:00:00Z", Reason.INVALID_DATE),
        ("date-30-february", "the thirtieth of February",
         "orderRecordDate", "2026-02-30T10:00:00Z", Reason.INVALID_DATE),
        ("date-in-words", "a word in place of a date", "orderRecordDate", CANARY, Reason.INVALID_DATE),
        ("return-date-naive", "the end of a return window without an offset", "lineItems/0/returnPolicy",
         {"returnWindowEndDate": "2026-12-24T00:00:00"}, Reason.INVALID_DATE),
        ("warranty-date-only", "the start of a warranty without a time", "lineItems/0/warranty",
         {"warrantyStartDate": "2026-11-01"}, Reason.INVALID_DATE),
        ("deletion-date-naive", "a deletion date without an offset",
         "deletionDate", "2026-12-24T00:00:00", Reason.INVALID_DATE),
        ("key-with-dollar", "a key that starts with $", _FREE, {"$" + CANARY: 1}, Reason.FORBIDDEN_KEY),
        ("key-with-dot", "a key with a dot in it", _FREE,
         {"loyalty": {f"card.{CANARY}": 1}}, Reason.FORBIDDEN_KEY),
        ("key-with-nul", "a key with a NUL in it", _FREE,
         {"tags": [{f"{CANARY}\0": 1}]}, Reason.FORBIDDEN_KEY),
        ("line-key-with-dollar", "a key of a line that starts with $",
         _LINE_FREE, {"$where": CANARY}, Reason.FORBIDDEN_KEY),
    )
}  # fmt: skip

DEPTHS: Final[dict[str, Broken]] = {
    name: Broken(wrong, put_raw(path, text), Reason.TOO_DEEP)
    for name, wrong, path, text in (
        ("depth-101", "customAttributes 101 levels deep", _FREE, _nested(101)),
        ("depth-150", "a line's customAttributes 150 levels deep", _LINE_FREE, _nested(150)),
        ("depth-100000", "customAttributes 100,000 levels deep", _FREE, _nested_arrays(100_000)),
    )
}

RETENTION: Final[dict[str, Broken]] = {
    name: Broken(wrong, put_dates(**days), Reason.INVALID_RETENTION)
    for name, wrong, days in (
        (
            "cleanup-after-deletion",
            "clean-up later than deletion",
            {"gdprCleanupDate": 20, "deletionDate": 10},
        ),
        ("deletion-too-late", "deletion later than 3,650 days", {"deletionDate": 4000}),
        ("cleanup-too-late", "clean-up later than 3,650 days", {"gdprCleanupDate": 4000}),
    )
}

PAYLOADS: Final = MISSING | WRONG_TYPES | LIMITS | NUMBERS | VALUES | DEPTHS | RETENTION
