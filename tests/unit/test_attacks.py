"""Every attack on the trail, as whoever runs `audit verify` sees it: an exit code, and a sentence why.

A root covers all events up to a size. So what was changed, inserted or moved between two sizes has one kind,
and what tells them apart is what else does not fit.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from tests.exports import exported
from tests.trails import KEY, NOW, STRANGE_SEED, Trail, renumbered, resigned, sound
from tests.verbs import Printed, RunVerb, verb_runner

SEEN: Final = sound(4).checkpoints[-1].value or b""
"""What somebody kept of the trail when it had four batches: for --since."""


def changed(trail: Trail) -> None:
    value = trail.events[9].value or b""
    trail.events[9].value = value.replace(b'"versionBefore":2', b'"versionBefore":3')
    assert trail.events[9].value != value


def removed(trail: Trail) -> None:
    del trail.events[9]


def inserted(trail: Trail) -> None:
    other = Trail()
    other.quarantine(1)
    trail.events.insert(9, other.events[0])


def reordered(trail: Trail) -> None:
    trail.events[7], trail.events[9] = trail.events[9], trail.events[7]


def cut_in_events(trail: Trail) -> None:
    del trail.events[-3:]


def cut_in_checkpoints(trail: Trail) -> None:
    del trail.checkpoints[-1]


def cut_in_both(trail: Trail) -> None:
    made = sound(3)
    trail.events, trail.checkpoints = made.events, made.checkpoints


def checkpoint_removed(trail: Trail) -> None:
    del trail.checkpoints[2]


def signed_by_another_key(trail: Trail) -> None:
    trail.checkpoints = resigned(sound(name="other"), STRANGE_SEED).checkpoints


def written_over(trail: Trail) -> None:
    record = trail.checkpoints[-1]
    trail.checkpoints[-1] = replace(record, value=(record.value or b"").replace(b"\n36\n", b"\n35\n"))


def two_roots_of_one_size(trail: Trail) -> None:
    trail.checkpoints = renumbered([*trail.checkpoints, sound(3, name="other").checkpoints[-1]])


def two_histories_of_other_sizes(trail: Trail) -> None:
    other = Trail()
    other.erase(1, 8, "other")
    trail.checkpoints = renumbered([*trail.checkpoints, other.sign()])


def subset(trail: Trail) -> None:
    trail.events = [each for at, each in enumerate(trail.events) if at % 4]


def subset_signed_anew(trail: Trail) -> None:
    """Only what has no number is left out, so that no number tells of it."""
    trail.events = [each for each in trail.events if b'"QUARANTINE"' not in (each.value or b"")]
    trail.checkpoints = []
    trail.sign(at=NOW - 60)


def range_altered(trail: Trail) -> None:
    record = trail.checkpoints[3]
    [(name, nodes)] = record.headers
    trail.checkpoints[3] = replace(record, headers=[(name, bytes(32) + (nodes or b"")[32:])])


def number_skipped(trail: Trail) -> None:
    trail.erase(8)
    trail.sign(at=NOW - 10)


def number_twice(trail: Trail) -> None:
    trail.erase(2, name="other")
    trail.sign(at=NOW - 10)


def act_not_told(trail: Trail) -> None:
    """The database counted one more than its outbox told of."""
    trail.attest(NOW - 600, 6, done=(15, 16, 0))
    trail.sign(at=NOW - 10)


@dataclass(frozen=True)
class Attack:
    """What is done to a sound trail, the exit code, all kinds that are found, and what is said of the first.

    `seen`: it shows only to who has kept a checkpoint. `lacks` is an offset without an event.
    """

    name: str
    done: Callable[[Trail], None]
    code: int
    kinds: tuple[str, ...]
    says: str
    seen: bool = False
    lacks: int | None = None


ATTACKS: Final = (
    Attack(
        "event changed",
        changed,
        4,
        ("ALTERED",),
        "the first 13 events are not those that were signed; the first 6 are",
    ),
    Attack(
        "event removed in place",
        removed,
        3,
        ("EVENT_MISSING", "BATCH_INCOMPLETE"),
        "the event at 9 is missing",
        lacks=9,
    ),
    Attack(
        "event removed, topic made anew",
        removed,
        4,
        ("ALTERED", "TRUNCATED", "BATCH_INCOMPLETE"),
        "the first 13 events are not those that were signed; the first 6 are",
    ),
    Attack(
        "event inserted",
        inserted,
        4,
        ("ALTERED", "UNCOVERED"),
        "the first 13 events are not those that were signed; the first 6 are",
    ),
    Attack(
        "events reordered",
        reordered,
        4,
        ("ALTERED",),
        "the first 13 events are not those that were signed; the first 6 are",
    ),
    Attack(
        "tail cut in the audit topic",
        cut_in_events,
        3,
        ("TRUNCATED", "BATCH_INCOMPLETE"),
        "36 events were signed, and the trail ends with 33",
    ),
    Attack(
        "tail cut in the checkpoint topic",
        cut_in_checkpoints,
        2,
        ("UNCOVERED",),
        "5 events are not signed, the first since 2026-11-23T11:50:00.000Z",
    ),
    Attack(
        "tail cut in both topics",
        cut_in_both,
        3,
        ("CHECKPOINT_MISSING", "TRUNCATED"),
        "the checkpoint of 24 events that was seen before is not there any more",
        seen=True,
    ),
    Attack(
        "checkpoint removed",
        checkpoint_removed,
        3,
        ("CHECKPOINT_MISSING",),
        "on the checkpoint topic 2 is missing: the next one is 3",
    ),
    Attack(
        "forged by another key",
        signed_by_another_key,
        4,
        ("FORGED", "UNCOVERED", "SILENCE"),
        "checkpoint record 0: no key that counts has signed the note",
    ),
    Attack(
        "checkpoint written over",
        written_over,
        4,
        ("FORGED", "UNCOVERED"),
        "checkpoint record 5: a signature is not that of the key it names",
    ),
    Attack(
        "two histories, of one size",
        two_roots_of_one_size,
        4,
        ("TWO_HISTORIES",),
        "two roots are signed for 18 events",
    ),
    Attack(
        "two histories, of other sizes",
        two_histories_of_other_sizes,
        4,
        ("ALTERED",),
        "the first 8 events are not those that were signed; the first 6 are",
    ),
    Attack(
        "topic rebuilt from a subset",
        subset,
        4,
        ("ALTERED", "TRUNCATED", "BATCH_INCOMPLETE"),
        "the first 6 events are not those that were signed; the first 0 are",
    ),
    Attack(
        "topic rebuilt from a subset, and signed anew",
        subset_signed_anew,
        4,
        ("TWO_HISTORIES", "CHECKPOINT_MISSING"),
        "the first 24 events are not those that were seen before",
        seen=True,
    ),
    Attack(
        "compact range altered",
        range_altered,
        4,
        ("RANGE_ALTERED",),
        "checkpoint record 3: the compact range does not hash to the signed root",
    ),
    Attack("n skipped", number_skipped, 5, ("N_SKIPPED",), "number 7 is missing"),
    Attack(
        "same n twice",
        number_twice,
        5,
        ("N_TWICE",),
        "number 2 comes again, with other events",
    ),
    Attack(
        "act taken out of the outbox",
        act_not_told,
        5,
        ("DONE_DIFFERS",),
        "the attestation of 2026-11-23T11:50:00.000Z counts 16 records deleted since the beginning, and "
        "batches 1 to 6 have 15",
    ),
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunVerb:
    return verb_runner(monkeypatch, capsys)


def verified(run: RunVerb, folder: Path, *words: str) -> Printed:
    return run("audit", "verify", str(folder / "trail"), "--key", KEY.text, *words)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_each_attack_has_its_exit_code_and_its_sentence(attack: Attack, run: RunVerb, tmp_path: Path) -> None:
    trail, seen = sound(), tmp_path / "seen.txt"
    seen.write_bytes(SEEN)
    attack.done(trail)
    exported(trail, tmp_path / "trail", attack.lacks)
    words = ("--since", str(seen)) if attack.seen else ()
    if attack.seen:
        assert verified(run, tmp_path).code == 0, "nothing else would show it"
    facts = verified(run, tmp_path, *words, "--json").json
    assert tuple(each["kind"] for each in facts["findings"]) == attack.kinds
    told = verified(run, tmp_path, *words)
    first = facts["findings"][0]
    assert (told.code, facts["exitCode"]) == (attack.code, attack.code)
    assert told.out.startswith(f"verdict   {first['verdict']}: ")
    assert f"\n{first['verdict']} {attack.kinds[0]}: {first['meaning']}\n  - {attack.says}\n" in told.out


def test_a_trail_that_nobody_attacked_is_sound_also_to_who_has_seen_it(run: RunVerb, tmp_path: Path) -> None:
    (tmp_path / "seen.txt").write_bytes(SEEN)
    exported(sound(), tmp_path / "trail")
    told = verified(run, tmp_path, "--since", str(tmp_path / "seen.txt"))
    assert (told.code, "\n  - " in told.out) == (0, False)
