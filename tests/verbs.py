"""Verbs as they are typed: their exit code and what they print, without a process of their own."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from cli.main import main


@dataclass(frozen=True)
class Printed:
    """What a verb left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


RunVerb = Callable[..., Printed]


def verb_runner(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunVerb:
    """Runs `order-records` with these words. For tests that are no coroutines: a verb has its own loop."""

    def run(*words: str) -> Printed:
        monkeypatch.setattr("sys.argv", ["order-records", *words])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        out, err = capsys.readouterr()
        return Printed(code, out, err)

    return run
