"""So many witnesses, of those that are trusted, must have co-signed of late."""

import pytest

from audit.checkpoints import Checkpoint, SignedCheckpoint
from audit.findings import Findings, Kind
from audit.keys import VerifierKey, seed_key
from audit.notes import Verified
from audit.reached import Reached
from audit.witness_policy import policy_of
from tests.trails import KEY, NOW

FIRST, SECOND, THIRD = (seed_key(bytes([each]) * 32, f"w{each}").cosigner() for each in (11, 12, 13))


def cosigned_by(*when: tuple[VerifierKey, float], size: int = 1) -> SignedCheckpoint:
    checkpoint = Checkpoint(KEY.name, size, bytes(32))
    return SignedCheckpoint(checkpoint, KEY, int(NOW), tuple(Verified(key, int(at)) for key, at in when))


@pytest.mark.parametrize(
    ("cosigned", "quorum", "kinds_found"),
    [
        ([cosigned_by((FIRST, NOW), (SECOND, NOW))], 2, 0),
        ([cosigned_by((FIRST, NOW)), cosigned_by((SECOND, NOW - 99))], 2, 0),
        ([cosigned_by((FIRST, NOW)), cosigned_by((FIRST, NOW - 1))], 2, 1),
        ([cosigned_by((FIRST, NOW), (SECOND, NOW - 101))], 2, 1),
        ([cosigned_by((FIRST, NOW), (SECOND, NOW - 101))], 1, 0),
        ([cosigned_by((FIRST, NOW + 1_000))], 1, 1),
        ([], 1, 1),
    ],
)
def test_so_many_different_witnesses_must_have_cosigned_in_time(
    cosigned: list[SignedCheckpoint], quorum: int, kinds_found: int
) -> None:
    findings = Findings()
    policy = policy_of([FIRST, SECOND, THIRD], [KEY], quorum, 100)
    said = policy.judge(cosigned, Reached(), (NOW, NOW), findings)
    assert (said.size > 0) is (kinds_found == 0)
    assert [each.kind for each in findings] == [Kind.NOT_COSIGNED] * kinds_found


@pytest.mark.parametrize(
    ("cosigned", "size", "counting"),
    [
        ([cosigned_by((FIRST, NOW), size=9), cosigned_by((SECOND, NOW), size=8)], 8, ["w11", "w12"]),
        ([cosigned_by((FIRST, NOW), size=9), cosigned_by((SECOND, NOW), size=7)], 0, ["w11"]),
        ([cosigned_by((FIRST, NOW), size=9), cosigned_by((SECOND, NOW - 50), size=7)], 7, ["w11", "w12"]),
        # Its last word is what counts, and of one time the larger size.
        ([cosigned_by((FIRST, NOW - 1), size=9), cosigned_by((FIRST, NOW), size=7)], 0, []),
        ([cosigned_by((FIRST, NOW), size=9), cosigned_by((FIRST, NOW), size=7)], 0, ["w11"]),
    ],
)
def test_a_witness_counts_only_if_it_has_cosigned_all_that_was_signed_by_then(
    cosigned: list[SignedCheckpoint], size: int, counting: list[str]
) -> None:
    reached, findings = Reached(), Findings()
    for signed, before in ((7, 640), (8, 610), (99, 590)):
        reached.take(signed, int(NOW) - before)
    said = policy_of([FIRST, SECOND], [KEY], 2, 100).judge(cosigned, reached, (NOW, NOW), findings)
    assert said.size == size
    assert [each.name for each in said.witnesses if each.counts] == counting
    assert (Kind.NOT_COSIGNED in findings) is (size == 0)


def test_what_was_signed_without_a_time_was_signed_before_any() -> None:
    reached = Reached()
    reached.take(5, None)
    reached.take(4, 1)
    reached.take(9, 2**63 - 1)
    assert (reached.by(0), reached.by(NOW), reached.by(2.0**64)) == (5, 5, 9)


@pytest.mark.parametrize("quorum", [0, 3])
def test_a_policy_that_means_nothing_is_refused(quorum: int) -> None:
    with pytest.raises(ValueError, match="quorum"):
        policy_of([FIRST, SECOND], [KEY], quorum, 100)
    with pytest.raises(ValueError, match="no witness"):
        policy_of([KEY], [KEY], None, 100)
    with pytest.raises(ValueError, match="two names"):
        policy_of([FIRST, VerifierKey("x", FIRST.type, FIRST.public)], [KEY], None, 100)
