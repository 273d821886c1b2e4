"""However the events come, and by whatever way they are read, the verdict is the same."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import verification
from audit.batches import ERASING
from audit.counting import Numbers
from audit.findings import Findings
from audit.merkle import leaf_hash
from audit.quick_facts import Erasures, Run
from audit.repeats import WINDOW, LatestEvents
from audit.verdict import Verdict
from tests.trails import NOW, Told, Trail, verify


class ByTheModelsAlone(Erasures):
    """Finds no run: every event is judged by the closed models."""

    def runs(self, values: Sequence[bytes | None]) -> Iterator[Run | range]:
        yield range(len(values))


def judged(trail: Trail, window: int, batch: int, erasures: type[Erasures] = Erasures) -> Verdict:
    """With so small a window the trail is longer than what is remembered of it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(verification, "Erasures", erasures)
        patched.setattr(verification, "LatestEvents", partial(LatestEvents, window))
        verdict = verify(trail, batch=batch)
    # Those of one rank come in the sequence in which they were found, which is that of the batches.
    return replace(verdict, findings=sorted(verdict.findings, key=lambda finding: finding.kind))


@st.composite
def trails(draw: st.DrawFn) -> Trail:
    """What a relay may write, or whoever has access to the topic: repeats, changes, numbers out of turn."""
    trail, n = Trail(), 0
    for _ in range(draw(st.integers(1, 12))):
        act = draw(st.sampled_from(["erase", "erase", "erase", "other", "repeat", "change", "swap", "sign"]))
        end = len(trail.events)
        at = draw(st.integers(0, max(0, end - 1)))
        if act == "erase":
            n = max(1, n + draw(st.sampled_from([1, 1, 1, 1, 0, 2, -1])))
            trail.erase(n, draw(st.integers(1, 6)), draw(st.sampled_from(["", "", "again"])))
        elif act == "other":
            trail.quarantine(draw(st.integers(1, 2)))
            trail.attest(NOW - 600, n)
        elif act == "repeat" and end:
            trail.events += trail.events[at : at + draw(st.integers(1, 8))]
        elif act == "change" and end:
            value = trail.events[at].value or b"{}"
            old, new = draw(st.sampled_from(CHANGES))
            trail.events[at] = Told(value.replace(old, new))
        elif act == "swap" and end:
            trail.events.insert(at, trail.events.pop())
        elif act == "sign":
            trail.sign()
    trail.sign(at=NOW - 60)
    return trail


CHANGES = [
    (b'"versionAfter":2', b'"versionAfter":3'),
    (b'"position":1', b'"position":2'),
    (b'"size":5', b'"size":4'),
    (b'"n":2', b'"n":3'),
    (b'"flags":[]', b'"flags":["NEVER_ANONYMIZED"]'),
    (b'"flags":[]', b'"flags":["A_NAME"]'),
    (b'"ANONYMIZE"', b'"DELETE"'),
    (b"}", b"}\n"),
    (b"{", b" {"),
]


@given(trails(), st.sampled_from([2, 7, 30, WINDOW]), st.integers(2, 40))
def test_the_verdict_is_that_of_the_models_one_event_at_a_time(trail: Trail, window: int, batch: int) -> None:
    expected = judged(trail, window, 1, ByTheModelsAlone)
    for size in (1, batch, len(trail.events) + 1):
        assert judged(trail, window, size) == expected


RUNS = st.lists(
    st.tuples(
        st.sampled_from([1, 1, 1, 2, 3]),
        st.lists(st.integers(0, 4), min_size=1, max_size=5, unique=True)
        | st.lists(st.integers(0, 4), min_size=1),
        st.sampled_from([4, 4, 4, 3, 5]),
        st.sampled_from(ERASING[:2]),
    ),
    max_size=6,
)


@given(runs=RUNS, from_beginning=st.booleans())
def test_neighbours_are_counted_as_they_are_one_by_one(
    *, runs: list[tuple[int, list[int], int, str]], from_beginning: bool
) -> None:
    findings = Findings(), Findings()
    alone, together = (Numbers(each, from_beginning=from_beginning) for each in findings)
    for place, (n, positions, size, kind) in enumerate(runs):
        leaves = [leaf_hash(b"%d %d %d" % (place, n, position)) for position in positions]
        alone.at = together.at = 10 * place
        taken = [
            alone.take(n, position, size, leaf, kind)
            for position, leaf in zip(positions, leaves, strict=True)
        ]
        assert together.take_run(n, positions, size, leaves, kind) == sum(taken)
    for numbers in (alone, together):
        numbers.finish(cut=False)
    assert list(findings[0]) == list(findings[1])
    seen = [(each.first, each.last, each.batches, each.late_repeats) for each in (alone, together)]
    assert seen[0] == seen[1]
