"""The erasure table: what is left of a record at its clean-up date.

An allow-list: a member that has no row is erased (docs/decisions/erase-never-hash.md). The table is
data; `records.mask` applies it to a document in memory, `records.mongo.mask` compiles it to an
update pipeline, and a property test on a real server holds the two equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Keep:
    """The value stays as it is; an object or a list goes, since nobody knows what it holds."""


@dataclass(frozen=True)
class Erase:
    """The member goes, and why."""

    why: str


@dataclass(frozen=True)
class KeepAmong:
    """The value stays when it is in a closed list; else another one takes its place, or none."""

    values: tuple[str, ...]
    otherwise: str | None = None


@dataclass(frozen=True)
class Members:
    """An object: each member by its own rule, unknown ones go."""

    rules: Mapping[str, "Rule"]


@dataclass(frozen=True)
class Each:
    """A list: each object by the same rules; with `only_categories`, other objects go whole."""

    rules: Members
    only_categories: tuple[str, ...] = ()


Rule = Keep | Erase | KeepAmong | Members | Each

KEEP: Final = Keep()
_PERSON: Final = Erase("identifies the consumer")
_FREE_TEXT: Final = Erase("free text may name a person")
_MONEY: Final = Members({"value": KEEP, "currency": KEEP, "decimalPlaces": KEEP})

PRICE_CATEGORIES: Final = (
    "basePrice",
    "salesPrice",
    "tax",
    "discount",
    "surcharge",
    "subtotalBeforeDiscounts",
    "subtotalAfterDiscounts",
    "finalUnitPrice",
    "finalLineItemPrice",
)
PAYMENT_METHODS: Final = ("CARD", "CASH", "INVOICE", "VOUCHER", "ONLINE")
DISCOUNT_TYPES: Final = ("PERCENTAGE", "ABSOLUTE", "COUPON")

_ADDRESS: Final = Members(
    {
        "country": KEEP,
        **dict.fromkeys(
            (
                "additionalAddressInfo",
                "city",
                "companyName",
                "firstName",
                "houseNumber",
                "lastName",
                "postalCode",
                "province",
                "street",
            ),
            _PERSON,
        ),
    }
)
_ATTRIBUTE: Final = Members(
    {
        **dict.fromkeys(("key", "value", "category", "type", "priority"), KEEP),
        "keyLocalized": _FREE_TEXT,
        "valueLocalized": _FREE_TEXT,
    }
)
_LINE_ITEM: Final = Members(
    {
        **dict.fromkeys(("id", "quantity", "measurementUnitKey"), KEEP),
        "article": Members(
            {
                "tenantArticleId": KEEP,
                "title": KEEP,
                "attributes": Each(_ATTRIBUTE, only_categories=PRICE_CATEGORIES),
            }
        ),
        "returnPolicy": Members(dict.fromkeys(("isReturnable", "returnWindowEndDate"), KEEP)),
        "warranty": Members(dict.fromkeys(("warrantyPeriod", "warrantyStartDate"), KEEP)),
        "customAttributes": _FREE_TEXT,
    }
)
_PAYMENT: Final = Members(
    {
        "value": _MONEY,
        "taxValue": _MONEY,
        "status": KEEP,
        "receiptNumber": KEEP,
        "paymentMethod": KeepAmong(PAYMENT_METHODS, otherwise="OTHER"),
        "transactionId": Erase("links to the person at the payment provider"),
    }
)
_DISCOUNT: Final = Members(
    {
        "type": KeepAmong(DISCOUNT_TYPES),
        "value": _MONEY,
        "percentage": KEEP,
        **dict.fromkeys(
            ("code", "context", "name", "nameLocalized", "tenantDiscountId"),
            Erase("personal vouchers, staff and birthday discounts"),
        ),
    }
)
_TOTALS: Final = Members(
    {
        **dict.fromkeys(("subTotal", "total", "totalFees", "totalLineItemSurcharges", "totalTaxes"), _MONEY),
        "totalDiscounts": Members(
            {
                "value": _MONEY,
                "breakdown": Members(dict.fromkeys(("lineItemDiscounts", "orderDiscounts"), _MONEY)),
            }
        ),
    }
)
_PRICING: Final = Members(
    {
        "total": Members({"priceBreakdown": _TOTALS}),
        "taxes": Each(
            Members(
                {
                    "value": _MONEY,
                    "taxableValue": _MONEY,
                    "ratePercent": KEEP,
                    "scope": _FREE_TEXT,
                    "type": _FREE_TEXT,
                }
            )
        ),
        "fees": Each(Members({"value": _MONEY, "name": _FREE_TEXT})),
        "discounts": Each(_DISCOUNT),
    }
)

ERASURE_TABLE: Final = Members(
    {
        **dict.fromkeys(
            (
                "_id",
                "version",
                "created",
                "lastModified",
                "anonymized",
                "gdprCleanupDate",
                "deletionDate",
                "datesBy",
                "policyVersion",
                "tenantOrderRecordId",
                "orderRecordDate",
                "facilityRef",
            ),
            KEEP,
        ),
        "contentDigest": Erase("not needed any more: an anonymized record is unchanged whatever comes"),
        "consumer": Members({"addresses": Each(_ADDRESS), "consumerId": _PERSON, "email": _PERSON}),
        "customAttributes": _FREE_TEXT,
        "lineItems": Each(_LINE_ITEM),
        "origin": Members({"type": KEEP, "terminalId": KEEP, "cashierId": Erase("identifies an employee")}),
        "payments": Each(_PAYMENT),
        "pricing": _PRICING,
    }
)


def table_document(rule: Rule = ERASURE_TABLE) -> Any:
    """The table as JSON for the policy document. The reasons are prose and not part of the policy."""
    match rule:
        case Keep():
            return "keep"
        case Erase():
            return "erase"
        case KeepAmong(values, otherwise):
            return {"keepAmong": list(values), "otherwise": otherwise or "erase"}
        case Members(rules):
            return {"members": {name: table_document(child) for name, child in rules.items()}}
        case Each(rules, only_categories):
            return {"each": table_document(rules), "onlyCategories": list(only_categories)}
