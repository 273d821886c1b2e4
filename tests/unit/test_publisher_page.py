"""The limits of the publishers' page are the code's."""

from pathlib import Path
from typing import Any, Final

import pytest

from records.free_json import MAX_DEPTH, MAX_SERIALIZED_CHARACTERS
from records.payload import MAX_ORDER_BYTES
from records.policy import DateRules
from service.event_schema import event_schema

PAGE: Final = (Path(__file__).parents[2] / "docs" / "publisher.md").read_text(encoding="utf-8")
PARTS: Final[dict[str, Any]] = event_schema()["definitions"]
MIB: Final = 2**20


def limits() -> dict[str, str]:
    section = PAGE.split("\n## Limits\n")[1].split("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return dict(line for line in lines if len(line) == 2)


def part(model: str, member: str) -> dict[str, Any]:
    found: dict[str, Any] = PARTS[model]["properties"][member]
    return found


def test_the_size_of_an_event_is_the_codes() -> None:
    said = f"{MAX_ORDER_BYTES // MIB} MiB ({MAX_ORDER_BYTES:,} bytes), {MAX_DEPTH} levels deep"
    assert limits()["value of one event"] == said


def test_the_lengths_of_lists_are_the_codes() -> None:
    lines = part("Order", "lineItems")
    assert limits()["`lineItems`"] == f"{lines['minItems']} to {lines['maxItems']}"
    assert limits()["`addresses`"] == f"{part('Consumer', 'addresses')['maxItems']}"
    lists = [part("Pricing", name) for name in ("taxes", "fees", "discounts")]
    lists += [part("Order", "payments"), part("Article", "attributes")]
    (most,) = {each["maxItems"] for each in lists}
    assert limits()["`payments`, `taxes`, `fees`, `discounts`, `attributes`"] == f"{most} each"


def test_the_lengths_of_texts_are_the_codes() -> None:
    number = part("Order", "tenantOrderRecordId")
    assert limits()["strings"].startswith(f"{number['maxLength']:,} characters; `tenantOrderRecordId`")
    assert limits()["strings"].endswith(f"at least {number['minLength']}")
    free = limits()["`customAttributes` (of the order, of a line)"]
    assert free.startswith(f"{MAX_SERIALIZED_CHARACTERS:,} characters as JSON")


@pytest.mark.parametrize(
    ("what", "days"),
    [
        ("`gdprCleanupDate`, `deletionDate`", DateRules().max_ahead.days),
        ("age of an event by its Kafka timestamp", DateRules().max_event_age.days),
    ],
)
def test_the_limits_of_dates_are_the_codes(what: str, days: int) -> None:
    assert f"{days:,} days" in limits()[what]
