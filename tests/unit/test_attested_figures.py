"""The figures of an attestation are those of its batches: an honest trail agrees, whatever happened to it."""

import copy
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.findings import Outcome
from tests.trails import NOW, Told, Trail, assert_found, kinds, texts, verify

ERASING: Final = ("anonymized", "deleted", "quarantine.erased")
DUE: Final = datetime.fromtimestamp(NOW - 900, UTC)
HOUR: Final = 3_600
ACTS: Final = st.lists(
    st.one_of(st.none(), st.tuples(st.sampled_from(ERASING), st.integers(1, 4))), max_size=12
)
"""Each an attestation, or a batch of one type and size."""
Entry = list[Told]
"""The events of one entry of the outbox."""


@dataclass
class Shop:
    """What a database counts, and the outbox that it wrote: nothing of it is forgotten here."""

    n: int = 0
    done: list[int] = field(default_factory=lambda: [0, 0, 0])
    before: list[int] = field(default_factory=lambda: [0, 0, 0])
    attested_at: float | None = None
    outbox: list[Entry] = field(default_factory=list)

    def act(self, act: tuple[str, int] | None, at: float, mark: str = "") -> None:
        """One act; `at` is the time of an attestation."""
        if act is None:
            self.attest(at)
        else:
            self.erase(*act, mark=mark)

    def erase(self, kind: str, size: int, told: int | None = None, mark: str = "") -> None:
        """A batch of so many, of which the outbox tells."""
        self.n += 1
        self.done[ERASING.index(kind)] += size
        self.outbox.append(batch(kind, self.n, size if told is None else told, mark))

    def attest(self, at: float, off: Sequence[int] = (0, 0, 0)) -> None:
        """What was done since the one before, and so much more."""
        rows = zip(self.done, self.before, off, strict=True)
        anonymized, deleted, erased = (max(0, now - before + more) for now, before, more in rows)
        entry = Trail()
        entry.attest(at, self.n, done=(anonymized, deleted, erased), since=self.attested_at)
        self.attested_at, self.before = at, [*self.done]
        self.outbox.append(entry.events)


def batch(kind: str, n: int, size: int, mark: str = "") -> Entry:
    """As the relay makes it of an entry: the same one is the same to the byte."""
    entry, quarantined = Trail(), kind == "quarantine.erased"
    records = [[f"00000000-0000-4000-8000-{n:06}{place:06}", 2, DUE, []] for place in range(size)]
    places = [["orders", n, place, "TOO_LARGE", DUE] for place in range(size)]
    entry.tell(kind, n, list(places if quarantined else records), f"{kind}/{mark}/{n}/{size}")
    return entry.events


def sent(outbox: Sequence[Entry], chance: random.Random) -> list[Told]:
    """By a relay that is killed over and over, and reads an attestation before a batch that it counts."""
    entries, events = list(outbox), list[Told]()
    place = 1
    while place < len(entries):
        if is_attestation(entries[place]) != is_attestation(entries[place - 1]) and chance.random() < 0.3:
            entries[place - 1 : place + 1] = reversed(entries[place - 1 : place + 1])
            place += 1
        place += 1
    removed = at = 0
    while at < len(entries):
        events += entries[at]
        at += 1
        if chance.random() < 0.3:
            events += entries[at][: chance.randrange(len(entries[at]))] if at < len(entries) else []
            at = max(removed, at - 10)
        if chance.random() < 0.5:
            removed = at
    return events


def is_attestation(entry: Entry) -> bool:
    return b'"ATTEST"' in (entry[0].value or b"")


def signed(events: Sequence[Told]) -> Trail:
    trail = Trail(list(events))
    trail.sign(at=NOW - 10)
    return trail


def of(shop: Shop) -> Trail:
    return signed([event for entry in shop.outbox for event in entry])


@given(ACTS, st.integers(0, 2**32))
def test_an_honest_trail_agrees_with_every_attestation_through_kills_and_repeats(
    acts: list[tuple[str, int] | None], seed: int
) -> None:
    shop = Shop()
    for place, act in enumerate(acts):
        shop.act(act, NOW - (40 - place) * HOUR)
    verdict = verify(signed(sent(shop.outbox, random.Random(seed))))
    assert (kinds(verdict), verdict.counted) == ([], acts.count(None))


@given(ACTS, ACTS, ACTS, st.integers(0, 2**32))
def test_a_database_that_was_put_back_and_erased_again_agrees_too(
    first: list[tuple[str, int] | None],
    lost: list[tuple[str, int] | None],
    then: list[tuple[str, int] | None],
    seed: int,
) -> None:
    """What its backup had not sent is sent again, and its numbers go on after those of the trail."""
    chance, shop = random.Random(seed), Shop()
    for place, act in enumerate(first):
        shop.act(act, NOW - (40 - place) * HOUR)
    backup, unsent = copy.deepcopy(shop), chance.randrange(len(shop.outbox) + 1)
    for place, act in enumerate(lost):
        shop.act(act, NOW - (28 - place) * HOUR)
    events = sent(shop.outbox, chance)
    again = backup.outbox[unsent:]
    if shop.n > backup.n:
        backup.n = shop.n
        told = Trail()
        told.reapply(shop.n)
        again.append(told.events)
    backup.outbox.clear()
    for place, act in enumerate(then):
        backup.act(act, NOW - (16 - place) * HOUR, "again")
    events += sent([*again, *backup.outbox], chance)
    assert kinds(verify(signed(events))) == []


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("off", [1, -1])
def test_a_figure_that_is_not_that_of_the_batches_is_seen(which: int, off: int) -> None:
    shop = Shop()
    shop.attest(NOW - 9 * HOUR)
    for kind in ERASING:
        shop.erase(kind, 4)
    shop.attest(NOW - 5 * HOUR, [off if each == which else 0 for each in range(3)])
    shop.attest(NOW - HOUR)
    verdict = verify(of(shop))
    word = ("records anonymized", "records deleted", "quarantined events erased")[which]
    told = f"counts {4 + off} {word} since the one before, and batches 1 to 3 have 4"
    assert_found(verdict, 5, "DONE_DIFFERS", told)
    assert (kinds(verdict), len(verdict.findings[0].texts)) == (["DONE_DIFFERS"], 1)


def test_an_entry_that_lost_an_act_before_it_was_sent_is_seen_by_the_count_alone() -> None:
    shop = Shop()
    shop.attest(NOW - 9 * HOUR)
    shop.erase("deleted", 4, told=3)
    assert kinds(verify(of(shop))) == []
    shop.attest(NOW - HOUR)
    verdict = verify(of(shop))
    assert_found(verdict, 5, "DONE_DIFFERS", "counts 4 records deleted since the one before, and batches 1")


def test_the_first_attestation_may_count_less_but_not_more_than_the_trail_tells_of() -> None:
    for off, found in ((-1, []), (0, []), (1, ["DONE_DIFFERS"])):
        shop = Shop()
        shop.erase("anonymized", 4)
        shop.attest(NOW - HOUR, (off, 0, 0))
        verdict = verify(of(shop))
        assert (kinds(verdict), verdict.counted) == (found, 1)
    assert "counts 5 records anonymized since the beginning, and batches 1 to 1 have 4" in texts(verdict)


def test_a_period_without_a_batch_has_nothing_done() -> None:
    shop = Shop()
    shop.attest(NOW - 9 * HOUR)
    shop.attest(NOW - HOUR, (0, 2, 0))
    assert_found(verify(of(shop)), 5, "DONE_DIFFERS", "counts 2 records deleted since the one before, and no")


def test_a_range_that_begins_within_a_period_does_not_judge_it() -> None:
    shop = Shop()
    shop.attest(NOW - 9 * HOUR)
    shop.erase("deleted", 4)
    before = of(shop)
    shop.erase("deleted", 4)
    shop.attest(NOW - 5 * HOUR, (0, 7, 0))
    shop.erase("anonymized", 2)
    shop.attest(NOW - HOUR)
    trail = of(shop)
    trail.checkpoints = [before.checkpoints[0], trail.sign(at=NOW - 9)]
    assert kinds(verify(trail)) == ["DONE_DIFFERS"]
    verdict = verify(trail, target=len(before.events))
    assert (verdict.outcome, kinds(verdict), verdict.counted) == (Outcome.SOUND, [], 1)


def test_a_range_that_lacks_one_batch_of_a_period_does_not_judge_it() -> None:
    shop = Shop()
    shop.attest(NOW - 9 * HOUR)
    shop.erase("deleted", 4)
    shop.erase("anonymized", 3)
    shop.attest(NOW - 5 * HOUR, (9, 9, 9))
    first, early, late, second = shop.outbox
    before = signed(early)
    trail = signed([*early, *first, *late, *second])
    trail.checkpoints = [before.checkpoints[0], trail.sign(at=NOW - 9)]
    verdict = verify(trail, target=len(early))
    assert (kinds(verdict), verdict.first_n, verdict.counted) == ([], 2, 1)


def test_a_period_of_which_a_batch_is_not_whole_is_not_judged_beside_that() -> None:
    shop = Shop()
    shop.attest(NOW - 9 * HOUR)
    shop.erase("deleted", 4)
    shop.erase("deleted", 4)
    shop.attest(NOW - HOUR)
    del shop.outbox[1][2]
    verdict = verify(of(shop))
    assert (kinds(verdict), verdict.counted) == (["BATCH_INCOMPLETE"], 1)


def test_a_part_of_a_trail_that_tells_of_no_batch_is_not_told_that_batches_are_missing() -> None:
    shop = Shop()
    shop.erase("deleted", 4)
    before = of(shop)
    shop.attest(NOW - HOUR)
    trail = of(shop)
    trail.checkpoints = [before.checkpoints[0], trail.sign(at=NOW - 9)]
    verdict = verify(trail, target=4)
    assert (kinds(verdict), verdict.last_n) == ([], None)
    trail.events = trail.events[4:]
    trail.checkpoints = []
    trail.sign(at=NOW - 9)
    assert_found(
        verify(trail), 5, "N_SKIPPED", "1 batches of erasures are attested, and the trail tells of 0"
    )
