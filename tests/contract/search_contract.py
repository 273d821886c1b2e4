"""The contract's schemas of a search, kept by hand: every filter and every sort."""

from typing import Final

from tests.contract.order_contract import DATE, TEXT, Schemas

SHORT: Final = "string ..256"
SHORTS: Final = f"array ..25 of {SHORT}"
DIRECTION: Final = "one of ASC DESC"

SEARCH_SCHEMAS: Final[Schemas] = {
    "OrderRecordSearchPayload": {
        "query!": "OrderRecordSearchQuery",
        "after": "string",
        "before": "string",
        "last": "number 1..250",
        "options": "SearchOptions",
        "size": "number 1..250",
        "sort": "array 1..1 of OrderRecordSort",
        "startAfterId": f"{TEXT}, deprecated",
    },
    "SearchOptions": {"withTotal": "boolean"},
    # Filters
    "OrderRecordSearchQuery": {
        "and": "array ..500 of OrderRecordSearchQuery",
        "or": "array ..500 of OrderRecordSearchQuery",
        "consumer": "OrderRecordConsumerFilter",
        "facilityName": "StringFilter",
        "lineItems": "OrderRecordLineItemsListFilter",
        "orderRecordDate": "DateFilter",
        "origin": "OrderRecordOriginFilter",
        "payments": "OrderRecordPaymentsListFilter",
        "tenantOrderRecordId": "StringFilter",
    },
    "StringFilter": {"eq": SHORT, "notEq": SHORT, "in": SHORTS, "notIn": SHORTS},
    "DateFilter": {
        **dict.fromkeys(("eq", "notEq", "gt", "gte", "lt", "lte"), DATE),
        **dict.fromkeys(("after", "before"), SHORT),
    },
    "OrderRecordConsumerFilter": {
        "addresses": "OrderRecordConsumerAddressesListFilter",
        "consumerId": "StringFilter",
    },
    "OrderRecordConsumerAddressesListFilter": {
        "contains": "OrderRecordConsumerAddressesFilter",
        "exists": "boolean",
    },
    "OrderRecordConsumerAddressesFilter": {"companyName": "StringFilter", "lastName": "StringFilter"},
    "OrderRecordLineItemsListFilter": {"contains": "OrderRecordLineItemsFilter", "exists": "boolean"},
    "OrderRecordLineItemsFilter": {"article": "OrderRecordLineItemsArticleFilter"},
    "OrderRecordLineItemsArticleFilter": {"tenantArticleId": "StringFilter"},
    "OrderRecordOriginFilter": {"cashierId": "StringFilter", "terminalId": "StringFilter"},
    "OrderRecordPaymentsListFilter": {"contains": "OrderRecordPaymentsFilter", "exists": "boolean"},
    "OrderRecordPaymentsFilter": {"receiptNumber": "StringFilter", "transactionId": "StringFilter"},
    # Sorts
    "OrderRecordSort": {
        "consumer": "OrderRecordConsumerSort",
        "facilityCountry": DIRECTION,
        "facilityName": DIRECTION,
        "lineItems": "OrderRecordLineItemsSort",
        "orderRecordDate": DIRECTION,
        "origin": "OrderRecordOriginSort",
        "payments": "OrderRecordPaymentsSort",
        "pricing": "OrderRecordPricingSort",
        "tenantOrderRecordId": DIRECTION,
    },
    "OrderRecordConsumerSort": {"addresses": "OrderRecordAddressesSort"},
    "OrderRecordAddressesSort": dict.fromkeys(
        ("city", "companyName", "country", "firstName", "lastName", "postalCode"), DIRECTION
    ),
    "OrderRecordLineItemsSort": {"quantity": DIRECTION},
    "OrderRecordOriginSort": dict.fromkeys(("cashierId", "terminalId", "type"), DIRECTION),
    "OrderRecordPaymentsSort": dict.fromkeys(
        ("paymentMethod", "receiptNumber", "status", "transactionId"), DIRECTION
    ),
    "OrderRecordPricingSort": {"total": "OrderRecordTotalSort"},
    "OrderRecordTotalSort": {"priceBreakdownTotal": DIRECTION},
}
