"""The policy document and its digest, which every audit event names."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from records.erasure import table_document
from records.policy import DateRules, GdprPolicy
from records.policy_document import policy_digest, policy_document

POLICY, RULES = GdprPolicy(), DateRules()


def kept(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, "keep")


def erased(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, "erase")


def members(**rules: Any) -> dict[str, Any]:
    return {"members": rules}


def each(*only: str, **rules: Any) -> dict[str, Any]:
    return {"each": members(**rules), "onlyCategories": list(only)}


MONEY = members(**kept("value", "currency", "decimalPlaces"))
TOTALS = dict.fromkeys(("subTotal", "total", "totalFees", "totalLineItemSurcharges", "totalTaxes"), MONEY)

# Written down by hand from the design's section 5, not taken from the code.
ERASURE = members(
    **kept("_id", "version", "created", "lastModified", "anonymized", "gdprCleanupDate", "deletionDate"),
    **kept("datesBy", "policyVersion", "tenantOrderRecordId", "orderRecordDate", "facilityRef"),
    **erased("contentDigest", "customAttributes"),
    consumer=members(
        **erased("consumerId", "email"),
        addresses=each(
            **kept("country"),
            **erased("additionalAddressInfo", "city", "companyName", "firstName", "houseNumber"),
            **erased("lastName", "postalCode", "province", "street"),
        ),
    ),
    lineItems=each(
        **kept("id", "quantity", "measurementUnitKey"),
        **erased("customAttributes"),
        returnPolicy=members(**kept("isReturnable", "returnWindowEndDate")),
        warranty=members(**kept("warrantyPeriod", "warrantyStartDate")),
        article=members(
            **kept("tenantArticleId", "title"),
            attributes=each(
                *("basePrice", "salesPrice", "tax", "discount", "surcharge", "subtotalBeforeDiscounts"),
                *("subtotalAfterDiscounts", "finalUnitPrice", "finalLineItemPrice"),
                **kept("key", "value", "category", "type", "priority"),
                **erased("keyLocalized", "valueLocalized"),
            ),
        ),
    ),
    origin=members(**kept("type", "terminalId"), **erased("cashierId")),
    payments=each(
        **kept("status", "receiptNumber"),
        **erased("transactionId"),
        value=MONEY,
        taxValue=MONEY,
        paymentMethod={"keepAmong": ["CARD", "CASH", "INVOICE", "VOUCHER", "ONLINE"], "otherwise": "OTHER"},
    ),
    pricing=members(
        total=members(
            priceBreakdown=members(
                **TOTALS,
                totalDiscounts=members(
                    value=MONEY, breakdown=members(lineItemDiscounts=MONEY, orderDiscounts=MONEY)
                ),
            )
        ),
        taxes=each(**kept("ratePercent"), **erased("scope", "type"), value=MONEY, taxableValue=MONEY),
        fees=each(**erased("name"), value=MONEY),
        discounts=each(
            **kept("percentage"),
            **erased("code", "context", "name", "nameLocalized", "tenantDiscountId"),
            type={"keepAmong": ["PERCENTAGE", "ABSOLUTE", "COUPON"], "otherwise": "erase"},
            value=MONEY,
        ),
    ),
)
NUMBERS = {"base": "created", "daySeconds": "86400.0", "deletionTimeAfterRetention": 180, "retentionTime": 30}

# Frozen: every audit event states this digest, and whoever holds the document checks it years later. A
# change of the table or of this encoding changes the policyDigest of every event from then on: it needs
# an entry in the changelog, and never happens by the way.
DIGEST = "sha256:938088cf692cedbc76891f550385195c5f03b4e557fa2b313eaa8b7c60ebb358"


def test_the_table_as_a_document_is_the_designs_table() -> None:
    assert table_document() == ERASURE


def test_the_document_is_canonical_json_of_table_and_numbers() -> None:
    by_hand = json.dumps({"erasure": ERASURE, "policy": NUMBERS}, sort_keys=True, separators=(",", ":"))

    assert policy_document(POLICY, RULES) == by_hand.encode()
    assert f"sha256:{hashlib.sha256(by_hand.encode()).hexdigest()}" == DIGEST


def test_the_digest_of_the_default_policy_never_changes() -> None:
    assert policy_digest(POLICY, RULES) == DIGEST


@pytest.mark.parametrize(
    ("policy", "rules"),
    [
        (replace(POLICY, retention_time=31), RULES),
        (replace(POLICY, deletion_time_after_retention=181), RULES),
        (POLICY, replace(RULES, base="orderRecordDate")),
        (POLICY, replace(RULES, day=RULES.day / 86_400)),
    ],
)
def test_every_number_of_the_policy_is_in_the_digest(policy: GdprPolicy, rules: DateRules) -> None:
    assert policy_digest(policy, rules) != DIGEST


def test_how_often_the_policy_was_saved_is_not_in_the_digest() -> None:
    assert policy_digest(replace(POLICY, version=7), RULES) == DIGEST
