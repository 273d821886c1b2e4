"""What must become of the events that a test published."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final

from local.samples.events import LabelledEvent, envelope
from local.samples.orders import sample_order
from records.identity import record_id
from records.keys import RecordKeys
from records.policy import GdprPolicy
from service.events import decode
from tests.e2e.checker import Dates, due_dates
from tests.e2e.deployment import Deployment, Place
from tests.full_orders import full_order

PLANTED: Final = "CANARY-in-every-field"
NUMBER: Final = "CANARY-in-the-number"
"""Texts that are looked for in everything that is not to hold them."""


async def ids_of(deployment: Deployment, events: list[LabelledEvent]) -> list[str | None]:
    keys = RecordKeys.derive(deployment.settings.secrets.require("id_key"))

    def id_of(labelled: LabelledEvent) -> str | None:
        if labelled.kind not in {"valid", "duplicate"}:
            return None
        incoming = decode(labelled.event.value, labelled.event.headers)
        assert incoming != "skipped"
        return record_id(keys.identity, incoming.natural_key)

    return [id_of(labelled) for labelled in events]


async def due_of(
    deployment: Deployment, ids: list[str | None], places: list[Place], policy: GdprPolicy
) -> dict[str, set[Dates]]:
    """The dates of each record; a repeat without a key may be read first, from another partition."""
    timestamps, due = await deployment.timestamps(), defaultdict(set)
    spans = (policy.retention_time, policy.deletion_time_after_retention)
    for identifier, place in zip(ids, places, strict=True):
        if identifier is not None:
            due[identifier].add(due_dates(timestamps[place], *(timedelta(seconds=days) for days in spans)))
    return due


def planted() -> list[LabelledEvent]:
    """Orders with a canary wherever a text may stand: a good one, with its number, and one to be refused."""
    good = full_order(PLANTED) | {"tenantOrderRecordId": NUMBER}
    refused = full_order(PLANTED)
    refused["lineItems"][0]["quantity"] = PLANTED
    return [
        LabelledEvent(envelope(good, event=PLANTED), "valid", 0),
        LabelledEvent(envelope(refused, event=f"{PLANTED}-again"), "type-quantity-string", 0),
    ]


def people(seed: int, count: int, at: datetime) -> set[str]:
    """Family names, streets and mail addresses of the sample orders."""
    found: set[str] = set()
    for number in range(count):
        consumer = sample_order(seed, number, at=at).get("consumer", {})
        found.add(consumer.get("email", ""))
        for address in consumer.get("addresses", ()):
            found |= {address.get("lastName", ""), address.get("street", "")}
    return {text for text in found if len(text) > 6}
