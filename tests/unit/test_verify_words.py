"""What others may write of a trail, and what was seen of it: neither is taken for more than it is."""

from typing import Final

import pytest

from audit.checkpoint_book import CheckpointRecord
from audit.checkpoints import Checkpoint
from audit.findings import Outcome
from tests.trails import NOW, Trail, assert_found, kinds, renumbered, sound, tip, verify

DAY: Final = 86_400
UNTOLD: Final = (1e18, 1e18)


def size(record: CheckpointRecord) -> int:
    text, _, _ = (record.value or b"").decode().partition("\n\n")
    return Checkpoint.parse(f"{text}\n").size


@pytest.mark.parametrize("head", [True, False])
def test_what_was_seen_is_not_compared_by_its_record_alone_where_its_events_are_not_read(
    *, head: bool
) -> None:
    """Whoever has the key has made all anew, but for the head, and puts the public checkpoint beside it."""
    pin, rewritten = sound(4).checkpoints[1], sound(6, name="rewritten")
    made = rewritten.cut(27)
    made.checkpoints = renumbered([pin, *(each for each in rewritten.checkpoints if size(each) >= 27)])
    verdict = verify(made, since=tip(Trail([], [pin])), head=head, retention_days=0)
    assert_found(
        verdict, 3, "NOT_COMPARED", "what was seen before has 13 events, and what is read here begins"
    )


def test_what_was_seen_is_compared_where_reading_begins_with_it() -> None:
    trail = sound()
    seen = tip(Trail([], [trail.checkpoints[1]]))
    verdict = verify(trail.cut(13), since=seen, retention_days=0)
    assert (verdict.outcome, kinds(verdict), verdict.start) == (Outcome.SOUND, [], 13)


def attested(*said: tuple[float, int, float | None]) -> Trail:
    """A batch each hundred days, and attestations of these days ago: a retention, and days to its `since`."""
    trail = Trail()
    for n, days in enumerate((300, 200, 101, 20), 1):
        trail.erase(n)
        trail.sign(at=NOW - days * DAY)
    for ago, kept, since in said:
        before = None if since is None else NOW - since * DAY
        trail.attest(NOW - ago * DAY, 4, kept, (10, 10, 0) if before is None else (0, 0, 0), before)
    trail.sign(at=NOW - 10)
    return trail


def test_an_attestation_that_somebody_added_shortens_no_retention() -> None:
    true = [(2.0, 1460, None), (1.0, 1460, 2.0)]
    honest = attested(*true).cut(8)
    assert kinds(verify(honest, period=UNTOLD)) == ["CUT_EARLY"]
    for added in ([(0.1, 1, 1.0)], [(0.1, 1, 1.0), (0.05, 1, 0.1)], [(-30.0, 1, 1.0)]):
        trail = attested(*true, *added).cut(8)
        verdict = verify(trail, period=UNTOLD)
        assert "CUT_EARLY" in kinds(verdict)


def test_a_retention_that_was_shortened_counts_once_nothing_of_two_days_says_more() -> None:
    said = [(10.0, 1460, None), *((float(ago), 100, float(ago + 1)) for ago in range(9, 0, -1))]
    verdict = verify(attested(*said).cut(8), period=UNTOLD)
    assert (verdict.outcome, kinds(verdict), verdict.notes[1:]) == (Outcome.SOUND, [], [])


def test_attestations_that_do_not_follow_on_each_other_are_told() -> None:
    stray = attested((2.0, 1460, None), (1.5, 1460, 2.0), (1.0, 1460, 2.0))
    verdict = verify(stray, period=UNTOLD)
    [note] = verdict.notes
    assert note.startswith("1 attestations do not follow on the one before them: a database was put back, ")
    put_back = attested((2.0, 1460, None), (1.5, 1460, 2.0))
    put_back.reapply(4)
    put_back.attest(NOW - DAY, 4, since=NOW - 2 * DAY)
    put_back.sign(at=NOW - 10)
    assert verify(put_back, period=UNTOLD).notes == []
