"""So many witnesses, of those that are trusted, must have co-signed of late."""

import pytest

from audit.checkpoints import Checkpoint, SignedCheckpoint
from audit.findings import Findings, Kind
from audit.keys import VerifierKey, seed_key
from audit.notes import Verified
from audit.witness_policy import policy_of
from tests.trails import KEY, NOW

FIRST, SECOND, THIRD = (seed_key(bytes([each]) * 32, f"w{each}").cosigner() for each in (11, 12, 13))


def cosigned_by(*when: tuple[VerifierKey, float]) -> SignedCheckpoint:
    checkpoint = Checkpoint(KEY.name, 1, bytes(32))
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
    policy_of([FIRST, SECOND, THIRD], [KEY], quorum, 100).judge(cosigned, NOW, NOW, findings)
    assert [each.kind for each in findings] == [Kind.NOT_COSIGNED] * kinds_found


@pytest.mark.parametrize("quorum", [0, 3])
def test_a_policy_that_means_nothing_is_refused(quorum: int) -> None:
    with pytest.raises(ValueError, match="quorum"):
        policy_of([FIRST, SECOND], [KEY], quorum, 100)
    with pytest.raises(ValueError, match="no witness"):
        policy_of([KEY], [KEY], None, 100)
    with pytest.raises(ValueError, match="two names"):
        policy_of([FIRST, VerifierKey("x", FIRST.type, FIRST.public)], [KEY], None, 100)
