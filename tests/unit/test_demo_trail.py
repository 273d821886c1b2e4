"""The demo's claim about checkpoints fails when a root, or the time, is not right."""

import pytest

from audit.checkpoints import Checkpoint, SignedCheckpoint
from audit.keys import seed_key
from audit.merkle import CompactRange, leaf_hash
from local.demo.trail import Trail
from local.demo.trail_claims import judge_signed

KEY = seed_key(bytes(32), "order-records")
NOW = 1_795_000_000.0
LEAVES = [leaf_hash(b"%d" % number) for number in range(20)]


def signed(size: int, age: int, mark: bytes = b"") -> SignedCheckpoint:
    tree = CompactRange()
    tree.append_all(LEAVES[:size])
    root = leaf_hash(mark) if mark else tree.root()
    return SignedCheckpoint(Checkpoint(KEY.name, size, root), KEY, int(NOW) - age)


@pytest.mark.parametrize(
    ("checkpoints", "age", "held"),
    [
        ([signed(0, 900), signed(20, 800)], 900, True),
        ([signed(12, 30), signed(0, 900)], 900, True),
        ([], 30, True),
        ([], 61, False),
        ([signed(12, 61)], 900, False),
        ([signed(12, 10, b"another root"), signed(20, 5)], 900, False),
        ([signed(20, 5), signed(20, 5, b"another root")], 900, False),
    ],
)
def test_the_claim_holds_only_with_right_roots_and_in_time(
    checkpoints: list[SignedCheckpoint], age: int, *, held: bool
) -> None:
    trail = Trail(leaves=list(LEAVES), began=NOW - age)
    assert judge_signed(checkpoints, trail, NOW).held is held


def test_a_checkpoint_of_more_events_than_there_are_is_wrong() -> None:
    trail = Trail(leaves=LEAVES[:10], began=NOW)
    claim = judge_signed([signed(20, 1)], trail, NOW)
    assert not claim.held
    assert claim.figures == "10 of 10 events by 1 checkpoints, 1 wrong"
