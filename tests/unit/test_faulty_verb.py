"""What a fault test asks for is done, or refused: never passed over without a word."""

import pytest

from tests.e2e.faults import Fault


@pytest.mark.parametrize(
    ("word", "fault"),
    [
        ("stored@2=kill", Fault("stored", 2, "kill", 1)),
        ("stored=block:9", Fault("stored", 1, "block", 9)),
        ("parsing@3=kill", Fault("parsing", 3, "kill", 1)),
    ],
)
def test_a_fault_is_read_from_its_word(word: str, fault: Fault) -> None:
    assert Fault.of(word) == fault


@pytest.mark.parametrize(
    "word", ["parsing=raise", "parsing=hang", "parsing=block", "sorted=kill", "stored=end"]
)
def test_a_fault_that_would_not_happen_is_refused(word: str) -> None:
    with pytest.raises(AssertionError):
        Fault.of(word)
