"""The checker of the fault tests sees a commit that came too early, and none that did not."""

import pytest

from tests.e2e.ingest_checker import Durable, check_commits
from tests.e2e.produced import Produced

PRODUCED = Produced({(0, 0): "a", (0, 1): "b", (1, 0): "a"}, {(1, 1)})


@pytest.mark.parametrize(
    ("commits", "found"),
    [
        ({}, Durable(set(), set())),
        ({0: 1}, Durable({"a"}, set())),
        ({0: 2, 1: 2}, Durable({"a", "b"}, {(1, 1)})),
        ({1: 1}, Durable({"a"}, set())),
    ],
)
def test_commits_up_to_what_is_durable_are_right(commits: dict[int, int], found: Durable) -> None:
    check_commits(commits, found, PRODUCED)


@pytest.mark.parametrize(
    ("commits", "found"),
    [
        ({0: 1}, Durable(set(), set())),
        ({0: 2}, Durable({"a"}, set())),
        ({0: 2}, Durable({"b"}, set())),
        ({1: 2}, Durable({"a", "b"}, set())),
    ],
)
def test_a_commit_beyond_an_order_or_a_broken_event_that_is_not_durable_is_found(
    commits: dict[int, int], found: Durable
) -> None:
    with pytest.raises(AssertionError, match="is not durable"):
        check_commits(commits, found, PRODUCED)
