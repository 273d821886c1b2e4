"""The trail that the benchmark verifies is a sound one, and its programs are measured or fail."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.ingest_report import Report
from benchmarks.meter import Run
from benchmarks.progress import Steps
from benchmarks.verify_program import run_program
from benchmarks.verify_report import CHECK, GOALS, NAMES, NOTARY, PROOF, TENTH, TREE, VERIFY
from benchmarks.verify_trail import BATCH, KEY, make_export
from runtime.errors import UserError
from tests.verbs import RunVerb, verb_runner

EVENTS = 3 * BATCH


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunVerb:
    for name in [name for name in os.environ if name.startswith("ORDER_RECORDS_")]:
        monkeypatch.delenv(name)
    return verb_runner(monkeypatch, capsys)


def test_the_export_is_a_sound_trail_and_one_of_its_records_can_be_proven(
    run: RunVerb, tmp_path: Path
) -> None:
    export = make_export(tmp_path / "trail", EVENTS, Steps(Console(stderr=True)))
    folder, file = str(export.folder), str(tmp_path / "proof.json")

    facts = run("audit", "verify", folder, "--key", KEY.text, "--json").json
    assert (facts["exitCode"], facts["findings"]) == (0, [])
    assert (facts["proven"], facts["signed"], facts["n"]) == (EVENTS, EVENTS, {"first": 1, "last": 3})

    assert run("audit", "proof", file, folder, "--key", KEY.text, "--record-id", export.record).code == 0
    [proven] = run("audit", "verify-proof", file, "--key", KEY.text, "--json").json["events"]
    assert proven["offset"] == BATCH - 1
    assert proven["signed"] == EVENTS


async def test_a_program_is_measured_from_its_start_to_its_end(tmp_path: Path) -> None:
    work = "import time; held = bytearray(64 << 20); time.sleep(0.3)"
    measured = await run_program([sys.executable, "-c", work], 100, tmp_path)

    assert measured.seconds > 0.3
    assert measured.rate == pytest.approx(100 / measured.seconds)
    assert measured.memory_peak > 64 << 20
    assert measured.memory_begin <= measured.memory_peak


async def test_a_program_that_fails_is_no_measurement_and_says_why(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"exit code 3: .*no such trail"):
        await run_program([sys.executable, "-c", "print('no such trail'); exit(3)"], 1, tmp_path)


def test_the_report_holds_each_figure_against_its_floor_and_leaves_out_what_was_not_run() -> None:
    made = Run(1_000_000, 8.0, 7.5, 0.0, memory_begin=100, memory_peak=120, memory_end=110)
    sides = {VERIFY: made, TENTH: replace(made, memory_peak=100), TREE: made, PROOF: made, CHECK: made}
    goals = {goal["name"]: goal for goal in Report({}, {}, [sides], NAMES, GOALS).as_json()["goals"]}

    assert goals["audit verify, from an export: events/s"]["median"] == 125_000
    assert goals["audit verify, from an export: events/s"]["floor"] == "100,000"
    assert goals["audit proof, of one event: seconds"]["median"] == 8
    assert goals["audit verify, all / a tenth of the events: memory"]["median"] == 1.2
    assert not any(name.startswith(NOTARY.partition(",")[0]) for name in goals)
