"""These tests run real processes."""

import sys
from collections.abc import Callable

import pytest

from tests.e2e.fixtures import deployed

__all__ = ["deployed"]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints a line that a run shows even if all is well."""

    def show(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{line}\n")
            sys.stdout.flush()

    return show
