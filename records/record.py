"""An order made ready to be stored: its id, its dates, the digest of its content, its bytes."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import bson
import orjson

from records.dates import LifecycleDates, lifecycle_dates
from records.identity import NaturalKey, line_id, record_id
from records.keys import RecordKeys
from records.payload import OrderPayload
from records.policy import DateRules, GdprPolicy
from records.totals import TaxMode, price_breakdown

DIGEST_VERSION: Final = b"\x01"


@dataclass(frozen=True, repr=False)
class PreparedRecord:
    """A record as it would be stored: the document encoded once, what decides about it beside it."""

    id: str
    content_digest: bytes
    gdpr_cleanup_date: datetime
    document: bytes


@dataclass(frozen=True)
class RecordRules:
    """All that turns an order into a record: keys, policy, date rules, whether prices include taxes."""

    keys: RecordKeys
    policy: GdprPolicy
    dates: DateRules
    tax_mode: TaxMode = "exclusive"


def prepare(
    order: OrderPayload, natural_key: NaturalKey, created: datetime, rules: RecordRules
) -> PreparedRecord:
    """The record of a validated order. Takes the order over: it gains line ids and loses null members.

    created is in UTC, cut to milliseconds. Raises Refused (INVALID_RETENTION).
    """
    identifier = record_id(rules.keys.identity, natural_key)
    dates = lifecycle_dates(order, created, rules.policy, rules.dates)
    _drop_null_attributes(order)
    digest = content_digest(rules.keys.content, order)
    for position, line in enumerate(order["lineItems"]):
        line["id"] = line_id(identifier, position)  # type: ignore[typeddict-unknown-key]  # stored, never sent
    _add_totals(order, rules.tax_mode)
    document = _document(order, identifier, created, dates)
    document |= {"policyVersion": rules.policy.version, "contentDigest": digest}
    return PreparedRecord(identifier, digest, dates.gdpr_cleanup_date, bson.encode(document))


def content_digest(content_key: bytes, order: OrderPayload) -> bytes:
    """A keyed digest of the content: equal for equal orders, and worth nothing without the key.

    Dates are instants in UTC and members are sorted (api rule 37); one byte of version, then 32 bytes.
    """
    canonical = orjson.dumps(order, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)
    return DIGEST_VERSION + hmac.digest(content_key, canonical, "sha256")


def _document(
    order: OrderPayload, identifier: str, created: datetime, dates: LifecycleDates
) -> dict[str, Any]:
    return {
        "_id": identifier,
        "version": 1,
        "created": created,
        "lastModified": created,
        "anonymized": False,
        **order,
        "gdprCleanupDate": dates.gdpr_cleanup_date,
        "deletionDate": dates.deletion_date,
        "datesBy": dates.dates_by,
    }


def _add_totals(order: OrderPayload, tax_mode: TaxMode) -> None:
    """Computed once, when the record is stored, and no part of its content: the tax mode may change."""
    breakdown = price_breakdown(order, tax_mode)
    if breakdown is not None:
        pricing = order.setdefault("pricing", {})
        pricing["total"] = {"priceBreakdown": breakdown}  # type: ignore[typeddict-unknown-key]  # never sent


def _drop_null_attributes(order: OrderPayload) -> None:
    """The contract lets customAttributes be null; null and absent are the same content (api rule 37)."""
    for holder in (order, *order["lineItems"]):
        if holder.get("customAttributes", ...) is None:
            del holder["customAttributes"]
