"""What the lifecycle benchmark measures, and what is wanted of it."""

from typing import Final

from benchmarks.ingest_report import Goal
from benchmarks.meter import Run

BARE_UPDATE: Final = "bare update_many"
LOOP: Final = "naive loop"
ANONYMIZE: Final = "anonymize, with audit"
QUIET_ANONYMIZE: Final = "anonymize, without outbox"
BARE_DELETE: Final = "bare delete_many"
TTL: Final = "TTL index"
DELETE: Final = "delete, with audit and ledger"
QUIET_DELETE: Final = "delete, without outbox"
LIFE: Final = "both, with outbox"
QUIET_LIFE: Final = "both, without outbox"
RELAY: Final = "relay, events"
BACKLOG: Final = "anonymize, the backlog"
SWEEP_BESIDE: Final = "anonymize, ingest beside"
INGEST: Final = "ingest, alone"
INGEST_BESIDE: Final = "ingest, sweep beside"

NAMES: Final = (
    BARE_UPDATE,
    LOOP,
    ANONYMIZE,
    QUIET_ANONYMIZE,
    BARE_DELETE,
    TTL,
    DELETE,
    QUIET_DELETE,
    LIFE,
    QUIET_LIFE,
    RELAY,
    BACKLOG,
    SWEEP_BESIDE,
    INGEST,
    INGEST_BESIDE,
)


def _rate(run: Run) -> float:
    return run.rate


def _seconds(run: Run) -> float:
    return run.seconds / run.records


def _mongod_cpu(run: Run) -> float:
    return run.mongod_cpu


def _all_cpu(run: Run) -> float:
    return run.client_cpu + run.mongod_cpu


def _growth(run: Run) -> float:
    return run.memory_end / run.memory_begin


GOALS: Final = (
    Goal("anonymize / bare update_many: rate", ANONYMIZE, _rate, BARE_UPDATE, "0.35", "0.5"),
    Goal("anonymize / bare update_many: MongoDB's CPU", ANONYMIZE, _mongod_cpu, BARE_UPDATE),
    Goal("anonymize / naive loop: rate", ANONYMIZE, _rate, LOOP, "8", "12"),
    Goal("delete / TTL index: rate", DELETE, _rate, TTL, "0.3", "0.45"),
    Goal("delete / TTL index: MongoDB's CPU", DELETE, _mongod_cpu, TTL),
    Goal("delete / bare delete_many: rate", DELETE, _rate, BARE_DELETE),
    Goal("relay: events/s", RELAY, _rate, None, "20,000", "40,000"),
    Goal("both, with / without outbox: time", LIFE, _seconds, QUIET_LIFE, "at most 1.2"),
    Goal("both, with / without outbox: CPU of all", LIFE, _all_cpu, QUIET_LIFE),
    Goal("the backlog / anonymize: rate", BACKLOG, _rate, ANONYMIZE, "0.7", "0.9"),
    Goal("the backlog: memory at the end / after a tenth", BACKLOG, _growth, None, "flat", "flat"),
    Goal("anonymize, ingest beside / alone: rate", SWEEP_BESIDE, _rate, ANONYMIZE),
    Goal("ingest, sweep beside / alone: rate", INGEST_BESIDE, _rate, INGEST),
)
