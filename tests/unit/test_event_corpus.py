"""Every entry of the corpus of odd events, alone: what is expected of it is what becomes of it."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from records.keys import RecordKeys
from records.policy import DateRules, GdprPolicy
from records.reasons import Reason
from records.record import RecordRules
from service.verdict import verdict
from tests.event_corpus import entries, events_of
from tests.refusals import check_refusal

AT: Final = datetime.now(UTC)
RULES: Final = RecordRules(RecordKeys.derive(bytes(32)), GdprPolicy(), DateRules())
NOT_BY_ONE_EVENT: Final = {Reason.CONFLICT, Reason.UNSTORABLE, Reason.UNREADABLE}


@pytest.mark.parametrize("name", entries())
def test_an_entry_is_judged_as_it_says_in_every_form(name: str) -> None:
    entry = entries()[name]
    sent = int((AT - timedelta(days=entry.age_days)).timestamp() * 1000)
    for event, pointer in events_of(entry, 1, AT):
        answer = verdict(event.value, event.headers, sent, AT, RULES)
        if answer.refused is None:
            assert answer.outcome == entry.expect
        else:
            check_refusal(answer.refused)
            assert (answer.refused.reason, answer.refused.pointer) == (entry.expect, pointer)


def test_every_reason_that_one_event_can_give_has_an_entry() -> None:
    expected = {entry.expect for entry in entries().values()}
    assert expected - {"accepted", "skipped"} == set(Reason) - NOT_BY_ONE_EVENT


def test_the_events_of_an_entry_are_the_same_for_the_same_arguments() -> None:
    for entry in entries().values():
        assert list(events_of(entry, 3, AT)) == list(events_of(entry, 3, AT))
