"""Where the reading of a partition goes on, and what was lost before: a table, and what always holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.read_positions import Cause, Found, GoOn, Lost, Remembered, go_on

RETENTION, RECREATED = Cause.RETENTION, Cause.RECREATED


def found(first: int, end: int, committed: int | None, topic_id: str | None = "a") -> Found:
    return Found(topic_id, first, end, committed)


def seen(read_to: int, end: int, topic_id: str | None = "a") -> Remembered:
    return Remembered(topic_id, read_to, end)


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        # Nobody has read yet: what expired before was never ours.
        (found(0, 0, None), None, GoOn(0)),
        (found(50, 90, None), None, GoOn(50)),
        # All is well.
        (found(0, 90, 40), None, GoOn(40)),
        (found(0, 90, 40), seen(30, 80), GoOn(40)),
        (found(40, 90, 40), seen(40, 80), GoOn(40)),
        (found(90, 90, 90), seen(90, 90), GoOn(90)),
        # Retention has passed what was read.
        (found(50, 90, 40), None, GoOn(50, Lost(40, 50, RETENTION))),
        (found(50, 90, 40), seen(30, 80), GoOn(50, Lost(40, 50, RETENTION))),
        (found(50, 90, None), seen(30, 80), GoOn(50, Lost(30, 50, RETENTION))),
        (found(50, 90, 40, None), seen(30, 80, None), GoOn(50, Lost(40, 50, RETENTION))),
        (found(90, 90, 40), seen(40, 80), GoOn(90, Lost(40, 90, RETENTION))),
        # It was read and then set back by somebody: nothing is lost.
        (found(50, 90, 0), seen(70, 80), GoOn(50)),
        (found(0, 90, 0), seen(70, 80), GoOn(0)),
        # The group's offsets have expired: all is read again.
        (found(0, 90, None), seen(70, 80), GoOn(0)),
        # Recreated, by its id, whatever the offsets look like.
        (found(0, 20, None, "b"), seen(40, 90), GoOn(0, Lost(40, 90, RECREATED))),
        (found(0, 900, 40, "b"), seen(40, 90), GoOn(0, Lost(40, 90, RECREATED))),
        (found(0, 900, None, "b"), seen(90, 90), GoOn(0, Lost(90, 90, RECREATED))),
        # Told once: afterwards an offset of the old topic that is still committed is of no account.
        (found(0, 20, 90, "b"), seen(0, 20, "b"), GoOn(0)),
        (found(5, 20, 90, "b"), seen(0, 20, "b"), GoOn(5, Lost(0, 5, RETENTION))),
        # Recreated, where there are no ids: only an end before what was read shows it.
        (found(0, 20, 40, None), None, GoOn(0, Lost(40, 40, RECREATED))),
        (found(0, 20, 40, None), seen(30, 90, None), GoOn(0, Lost(40, 90, RECREATED))),
        (found(0, 20, None, None), seen(30, 90, None), GoOn(0, Lost(30, 90, RECREATED))),
        (found(0, 20, 40), seen(40, 90, None), GoOn(0, Lost(40, 90, RECREATED))),
        # The same topic, and its end is gone.
        (found(0, 20, 40), seen(40, 40), GoOn(0, Lost(40, 40, RECREATED))),
    ],
)
def test_where_reading_goes_on_and_what_was_lost(
    now: Found, before: Remembered | None, expected: GoOn
) -> None:
    assert go_on(now, before) == expected


OFFSETS = st.integers(0, 30)
IDS = st.sampled_from([None, "a", "b"])


@st.composite
def situations(draw: st.DrawFn) -> tuple[Found, Remembered | None]:
    first = draw(OFFSETS)
    now = Found(draw(IDS), first, first + draw(OFFSETS), draw(st.none() | OFFSETS))
    read_to = draw(OFFSETS)
    before = draw(st.none() | st.builds(Remembered, IDS, st.just(read_to), st.integers(read_to, 40)))
    return now, before


@given(situations())
def test_the_offset_is_one_that_is_there_and_no_event_is_passed_over_in_silence(
    situation: tuple[Found, Remembered | None],
) -> None:
    now, before = situation
    result = go_on(now, before)
    assert now.first <= result.offset <= now.end
    read = [at for at in (now.committed, before.read_to if before else None) if at is not None]
    if result.lost is not None:
        assert result.offset == now.first
        assert result.lost.start <= result.lost.end
    elif read:
        assert result.offset <= max(read) or result.offset == now.first <= max(read)
    else:
        assert result.offset == now.first


@given(situations())
def test_told_once_and_noted_it_is_not_told_again(situation: tuple[Found, Remembered | None]) -> None:
    now, before = situation
    result = go_on(now, before)
    if now.topic_id is not None or now.committed is None or now.committed <= now.end:
        noted = Remembered(now.topic_id, result.offset, now.end)
        again = go_on(now, noted)
        assert result.lost is None or again.lost is None
