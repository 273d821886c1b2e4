"""What the lifecycle benchmark erases, and what it makes of what it sees."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import pytest
from bson.codec_options import CodecOptions

from benchmarks.ingest_report import Report
from benchmarks.lifecycle_options import Options, require_disk
from benchmarks.lifecycle_records import (
    ANONYMIZE_BEFORE,
    CREATED_BEFORE,
    SPREAD,
    Template,
    copies,
    templates,
)
from benchmarks.lifecycle_report import (
    ANONYMIZE,
    BARE_UPDATE,
    DELETE,
    GOALS,
    LIFE,
    NAMES,
    QUIET_LIFE,
    RELAY,
    TTL,
)
from benchmarks.lifecycle_task import (
    Answer,
    Beat,
    Task,
    read_answer,
    read_task,
    run_between,
    together,
    written,
)
from benchmarks.meter import Run
from records.lifecycle import Decision, decide
from runtime.errors import UserError

AWARE: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
CREATED = datetime(2026, 2, 28, 23, 59, 59, 999_000, tzinfo=UTC)


def run(*, records: int = 1000, seconds: float = 1.0) -> Run:
    return Run(records, seconds, 0.1, 0.05, memory_begin=100, memory_peak=200, memory_end=100)


def beat(at: float, records: int) -> Beat:
    return Beat(at, records, cpu_seconds=at / 2, memory=int(at))


def options(*only: str, backlog: int = 10, beside: bool = False) -> Options:
    return Options(5000, 1, backlog, beside, only)


def decoded(document: bytes) -> dict[str, Any]:
    return bson.decode(document, AWARE)


@pytest.fixture(scope="module")
def made() -> list[Template]:
    return templates(40)


def test_a_copy_differs_from_its_order_in_id_number_and_dates_and_in_nothing_else(
    made: list[Template],
) -> None:
    fresh = {"_id", "tenantOrderRecordId", "created", "lastModified", "gdprCleanupDate", "deletionDate"}
    for number, template in enumerate(made, start=7_000):
        copied, first = template.copy(number, CREATED), decoded(template.record.document)
        record = decoded(copied.document)

        assert {name for name in first if record[name] != first[name]} == fresh | {"orderRecordDate"}
        assert list(record) == list(first)
        assert record["orderRecordDate"] - CREATED == first["orderRecordDate"] - first["created"]
        assert (record["_id"], record["created"]) == (copied.id, CREATED)
        assert record["lastModified"] == CREATED
        assert record["gdprCleanupDate"] == copied.gdpr_cleanup_date == CREATED + timedelta(days=30)
        assert record["deletionDate"] == CREATED + timedelta(days=210)
        assert record["tenantOrderRecordId"].endswith(f"{number:09d}")


def test_no_two_copies_share_an_id_or_a_number(made: list[Template]) -> None:
    records = [decoded(each.document) for each in copies(made, range(120), CREATED, timedelta(seconds=1))]
    assert len({each["_id"] for each in records}) == len({each["tenantOrderRecordId"] for each in records})
    assert len({each["_id"] for each in records}) == 120


def test_records_have_the_weight_of_full_orders(made: list[Template]) -> None:
    sizes = [len(each.record.document) for each in made]
    assert 1_800 < sum(sizes) / len(sizes) < 4_000


@pytest.mark.parametrize("number", [0, 999])
def test_every_record_is_first_due_to_be_anonymized_and_at_the_end_to_be_deleted(
    made: list[Template], number: int
) -> None:
    now = datetime.now(UTC)
    (copied,) = copies(made, range(number, number + 1), now - CREATED_BEFORE, SPREAD / 1000)
    record = decoded(copied.document)

    assert decide(record, now - ANONYMIZE_BEFORE) is Decision.ANONYMIZE
    assert decide(record, now) is Decision.DELETE


def test_a_task_and_an_answer_come_out_of_their_file_as_they_went_in() -> None:
    task = Task("delete", "mongodb://127.0.0.1:1", "bench", 1, 10, CREATED, "answer", trail=False)
    answer = Answer(1.5, 2.5, run(), (beat(1, 2),))

    assert read_task(written(task)) == task
    assert read_answer(written(answer)) == answer


def test_an_ingest_beside_a_sweep_counts_only_while_the_sweep_was_at_work() -> None:
    beats = [beat(at, 100 * at) for at in range(10)]
    result = run_between(beats, 2.5, 7.5)

    assert (result.records, result.seconds, result.rate) == (400, 4.0, 100.0)
    assert (result.client_cpu_seconds, result.mongod_cpu_seconds) == (2.0, 0.0)
    assert (result.memory_begin, result.memory_peak, result.memory_end) == (3, 7, 7)


@pytest.mark.parametrize("beats", [[], [beat(3, 100)], [beat(9, 100)]])
def test_an_ingest_that_stored_nothing_meanwhile_is_no_measurement(beats: list[Beat]) -> None:
    with pytest.raises(UserError, match="--records"):
        run_between(beats, 2.5, 7.5)


def test_a_whole_life_takes_as_long_as_both_its_acts() -> None:
    first, second = run(seconds=1), replace(run(seconds=3), memory_peak=500, memory_end=300)
    life = together(first, second)

    assert (life.records, life.seconds, life.rate) == (1000, 4.0, 250.0)
    assert life.client_cpu == pytest.approx(200)
    assert (life.memory_begin, life.memory_peak, life.memory_end) == (100, 500, 300)


def test_the_goals_compare_what_they_say() -> None:
    rounds = [
        {
            BARE_UPDATE: run(seconds=1),
            ANONYMIZE: run(seconds=2),
            TTL: run(seconds=1),
            DELETE: run(seconds=4),
            LIFE: run(seconds=6),
            QUIET_LIFE: run(seconds=5),
            RELAY: run(records=2000, seconds=0.1),
        }
    ]
    told = Report({}, {}, rounds, NAMES, GOALS).as_json()
    medians = {goal["name"]: goal["median"] for goal in told["goals"]}

    assert medians["anonymize / bare update_many: rate"] == 0.5
    assert medians["delete / TTL index: rate"] == 0.25
    assert medians["both, with / without outbox: time"] == 1.2
    assert medians["relay: events/s"] == 20_000
    assert not [name for name in medians if "backlog" in name or "loop" in name]
    assert [side["name"] for side in told["sides"]] == [name for name in NAMES if name in rounds[0]]


def test_every_goal_is_about_sides_that_the_table_shows() -> None:
    assert {side for goal in GOALS for side in (goal.side, goal.against) if side} <= set(NAMES)


def test_the_relay_and_the_backlog_bring_our_own_sweeps_with_them() -> None:
    assert options().sides() == ["bare", "loop", "ttl", "quiet", "ours"]
    assert options("ttl").sides() == ["ttl"]
    assert options("relay").sides() == options("backlog").sides() == ["ours"]
    assert (options().wants("relay"), options("ours").wants("relay")) == (True, False)


def test_the_backlog_is_left_out_by_zero_and_an_ingest_beside_comes_only_on_demand() -> None:
    assert options().last() == ["backlog"]
    assert options(backlog=0).last() == []
    assert options("ttl").last() == []
    assert options("ttl", beside=True).last() == ["beside"]


def test_records_that_would_not_fit_on_the_disk_are_refused_before_anything_starts() -> None:
    require_disk(options(backlog=2_000_000), free=100 * 2**30)
    with pytest.raises(UserError, match="15 GiB of disk are needed, 1 are free"):
        require_disk(options(backlog=2_000_000), free=2**30)
