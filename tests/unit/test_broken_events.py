"""Every kind of broken event gets the reason that its table promises; every harmless one is accepted."""

from datetime import UTC, datetime

import pytest

from local.samples.broken import BROKEN, HARMLESS, broken_event, canary, harmless_event
from local.samples.events import SampleEvent
from records.dates import lifecycle_dates
from records.payload import MAX_ORDER_BYTES
from records.policy import DateRules, GdprPolicy
from records.reasons import Reason, Refused
from service.events import decode

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
NUMBERS = range(8)  # each comes in all three forms
WITHOUT_CANARY = {
    *("empty-body", "null-body", "json-null", "json-number", "json-empty-object", "utf-16", "invalid-utf-8")
}


def judge(event: SampleEvent) -> None:
    """What happens to an event before it is stored. Raises Refused."""
    incoming = decode(event.value, event.headers)
    assert incoming != "skipped"
    lifecycle_dates(incoming.order, AT, GdprPolicy(), DateRules())


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_event_is_refused_for_its_reason_without_a_word_of_it(kind: str) -> None:
    for number in NUMBERS:
        with pytest.raises(Refused) as caught:
            judge(broken_event(kind, 1, number, at=AT))

        assert caught.value.reason is BROKEN[kind].reason
        assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("kind", HARMLESS)
def test_a_harmless_event_is_accepted(kind: str) -> None:
    for number in NUMBERS:
        judge(harmless_event(kind, 1, number, at=AT))


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_event_holds_its_canary_wherever_its_kind_allows(kind: str) -> None:
    planted = [canary(kind).encode() in (broken_event(kind, 1, n, at=AT).value or b"") for n in NUMBERS]

    assert all(planted) != (kind in WITHOUT_CANARY)


def test_a_broken_event_is_the_same_for_the_same_arguments() -> None:
    for kind in BROKEN:
        assert broken_event(kind, 2, 3, at=AT) == broken_event(kind, 2, 3, at=AT)


def test_every_reason_that_one_event_can_give_has_a_kind() -> None:
    not_in_the_event = {Reason.CONFLICT, Reason.TOO_OLD, Reason.UNSTORABLE, Reason.UNREADABLE}
    assert {row.reason for row in BROKEN.values()} == set(Reason) - not_in_the_event


def test_no_event_but_the_too_large_one_is_over_the_limit_and_that_one_reaches_the_topic() -> None:
    sizes = {kind: len(broken_event(kind, 1, 0, at=AT).value or b"") for kind in BROKEN}
    harmless = [len(harmless_event(kind, 1, 0, at=AT).value or b"") for kind in HARMLESS]

    assert MAX_ORDER_BYTES < sizes.pop("too-large") < 2 * 2**20
    assert max(*sizes.values(), *harmless) <= MAX_ORDER_BYTES
