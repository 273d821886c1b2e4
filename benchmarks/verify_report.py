"""What the benchmark of the trail measures, and what is wanted of it."""

from typing import Final

from benchmarks.ingest_report import Goal
from benchmarks.meter import Run

VERIFY: Final = "audit verify, from an export"
TENTH: Final = "audit verify, a tenth of it"
TREE: Final = "bare tree over the same lines"
PROOF: Final = "audit proof, from an export"
CHECK: Final = "audit verify-proof"
NOTARY: Final = "notary, catching up"
TOPICS: Final = "audit verify, from Kafka"
NAMES: Final = (VERIFY, TENTH, TREE, PROOF, CHECK, NOTARY, TOPICS)


def _rate(run: Run) -> float:
    return run.rate


def _cpu(run: Run) -> float:
    return run.client_cpu


def _seconds(run: Run) -> float:
    return run.seconds


def _peak(run: Run) -> float:
    return run.memory_peak


def _growth(run: Run) -> float:
    return run.memory_end / run.memory_begin


GOALS: Final = (
    Goal("audit verify, from an export: events/s", VERIFY, _rate, None, "100,000", "200,000"),
    Goal("bare tree / audit verify: CPU an event", TREE, _cpu, VERIFY),
    Goal("audit verify, all / a tenth of the events: memory", VERIFY, _peak, TENTH, "flat", "flat"),
    Goal("audit proof, of one event: seconds", PROOF, _seconds),
    Goal("audit verify-proof, of one event: seconds", CHECK, _seconds),
    Goal("notary: events/s", NOTARY, _rate, None, "20,000", "100,000"),
    Goal("notary: memory at the end / after a tenth", NOTARY, _growth, None, "flat", "flat"),
    Goal("audit verify, from Kafka: events/s", TOPICS, _rate),
)
