"""Breaks a copy of the tree on purpose, one way after another, and shows which test notices.

    python -m tests.mutants.run [WORD ...]     only the variants whose names hold one of the words

Ends with 0 if every variant is caught, by tests that pass on the copy as it is.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.mutants.variants import ROOT, Variant, variants

ROOMS: Final = ("records", "audit", "runtime", "service", "worker", "local", "cli", "tests")
TEST_SECONDS: Final = 300
PREFIX: Final = "FAILED "
FAILED: Final = 1
"""Exit code of pytest when tests ran and some failed; any other says nothing about the variant."""


def main(words: Sequence[str]) -> int:
    """The exit code."""
    chosen = [each for each in variants() if not words or any(word in each.name for word in words)]
    if not chosen:
        say(f"no variant is named like {' or '.join(words)}")
        return 64
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tests = sorted({test for each in chosen for test in each.caught_by})
        unchanged = copied(Path(folder) / "unchanged")
        code, lines = tested(unchanged, tests)
        if code:
            say("the tests fail on the tree as it is, so they would show nothing:", *lines)
            return 1
        say("| variant | caught by |", "| --- | --- |")
        survivors = [each.name for each in chosen if not caught(each, unchanged)]
    say(f"not caught: {', '.join(survivors)}" if survivors else f"all {len(chosen)} are caught")
    return 1 if survivors else 0


def caught(variant: Variant, unchanged: Path) -> bool:
    """Whether a test notices; prints the variant's row of the table."""
    broken = unchanged.parent / "broken"
    shutil.rmtree(broken, ignore_errors=True)
    shutil.copytree(unchanged, broken)
    variant.apply(broken)
    code, lines = tested(broken, variant.caught_by)
    failed = [line.removeprefix(PREFIX) for line in lines if line.startswith(PREFIX)]
    noticed = code == FAILED and bool(failed)
    say(f"| {variant.name} | {row_of(failed) if noticed else f'**nothing** (pytest ended with {code})'} |")
    return noticed


def row_of(failed: Sequence[str]) -> str:
    """The tests that failed, and what the first of them said."""
    names = {line.split(" - ")[0].partition("[")[0]: None for line in failed}
    _, _, said = failed[0].partition(" - ")
    return "<br>".join(f"`{name}`" for name in names) + (f": {said}" if said else "")


def copied(copy: Path) -> Path:
    """A copy of the code and its tests, without anything that was compiled or installed."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def tested(copy: Path, tests: Sequence[str]) -> tuple[int, list[str]]:
    """Exit code and summary of pytest in the copy, which must be what it and its processes import."""
    environ = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    where = [sys.executable, "-c", "import service.ingest, sys; sys.exit(service.ingest.__file__)"]
    found = subprocess.run(where, cwd=copy, env=environ, capture_output=True, text=True, check=False)  # noqa: S603
    if not Path(found.stderr.strip()).is_relative_to(copy):
        raise SystemExit(f"the copy is not what is imported, but {found.stderr.strip()}")
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", *tests]
    try:
        run = subprocess.run(  # noqa: S603 - the command is ours
            command, cwd=copy, env=environ, capture_output=True, text=True, check=False, timeout=TEST_SECONDS
        )
    except subprocess.TimeoutExpired:
        return -1, [f"not finished within {TEST_SECONDS} seconds"]
    return run.returncode, run.stdout.splitlines()


def say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
