"""When reading stands still: where events wait, nothing moves, nothing fails, and both servers answer."""

import pytest

from service.standstill import PATIENCE_SECONDS, Standstill

Look = tuple[dict[int, int | None], int]
"""What waits, by partition with the group's offset, and how many batches were to be tried again."""


def stuck_after(*looks: Look | None, step: float = 15.0) -> list[int]:
    """The partitions that are stuck at the last of regular looks; None is one that went unanswered."""
    standstill, stuck = Standstill(30.0), list[int]()
    for number, look in enumerate(looks):
        if look is None:
            standstill.unknown()
        else:
            stuck = standstill.look(*look, number * step)
    return stuck


STILL: Look = ({0: 10}, 0)


@pytest.mark.parametrize(
    ("looks", "stuck"),
    [
        ([STILL], []),
        ([STILL, STILL], []),
        ([STILL, STILL, STILL], [0]),
        ([({0: None}, 0)] * 3, [0]),  # nothing was ever committed
        ([({0: 10, 1: 4}, 0), ({0: 11, 1: 4}, 0), ({0: 12, 1: 4}, 0)], [1]),
        # It moves, it has read everything, it was stopped or blocked in between.
        ([({0: 10}, 0), ({0: 11}, 0), ({0: 12}, 0), ({0: 13}, 0)], []),
        ([STILL, ({}, 0), STILL], []),
        ([({}, 0)] * 9, []),
        # Batches that cannot be stored come again: somebody is at work.
        ([({0: 10}, tries) for tries in range(9)], []),
        ([({0: 10}, 1), STILL, STILL], []),
        # A server did not answer: the patience begins anew.
        ([STILL, STILL, None, STILL, STILL], []),
        ([STILL, STILL, None, STILL, STILL, STILL], [0]),
        ([None] * 9, []),
        # It moved backwards: somebody has set the group's offset, and that is a move.
        ([({0: 10}, 0), ({0: 10}, 0), ({0: 3}, 0)], []),
    ],
)
def test_reading_stands_still_only_when_nothing_else_explains_it(
    looks: list[Look | None], stuck: list[int]
) -> None:
    assert stuck_after(*looks) == stuck


def test_a_move_of_any_partition_counts_for_the_whole_patience() -> None:
    standstill = Standstill(30.0)
    assert not standstill.moves({0: 10, 1: 4}, 0.0)
    assert standstill.moves({0: 10, 1: 5}, 15.0)
    assert standstill.moves({0: 10, 1: 5}, 44.0)
    assert not standstill.moves({0: 10, 1: 5}, 45.0)
    assert not standstill.moves({0: 10, 2: 7}, 46.0)  # another member reads 1 now, and this one 2


def test_two_looks_far_apart_are_no_evidence_of_what_was_between_them_but_of_no_move() -> None:
    assert stuck_after(STILL, STILL, step=31.0) == [0]


def test_the_patience_of_a_process_is_that_of_kafka_with_a_member() -> None:
    assert Standstill().patience_seconds == PATIENCE_SECONDS == 300
