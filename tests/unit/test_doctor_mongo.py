"""What `doctor` says of MongoDB itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cli.diagnosis.asking import Unanswered
from cli.diagnosis.finding import Check, Level
from cli.diagnosis.mongo import judge_away, judge_clocks, judge_log, judge_server, judge_transactions
from records.mongo.diagnosis import Profiler, ServerFacts, ServerParameters

NOW = datetime(2026, 5, 1, tzinfo=UTC)
FACTS = ServerFacts("8.0.4", has_transactions=True, writable=True, before=NOW, time=NOW, after=NOW)
PARAMETERS = ServerParameters(15, log_redacted=False, log_verbose=False)
PROFILER = Profiler(level=0, slow_milliseconds=100, share=1.0, filtered=False)
NO_RIGHT = Unanswered("StoreError: OperationFailure 13", refused=True)
NO_ANSWER = Unanswered("no answer within 4 s")


@pytest.mark.parametrize(
    ("answer", "servers", "seen", "remedy"),
    [
        (NO_ANSWER, {"a:1": "Unknown", "b:2": "Unknown"}, "no answer from a:1, b:2", "host, port"),
        (NO_ANSWER, {"a:1": "RSPrimary"}, "no answer from a:1", "host, port"),
        (
            NO_ANSWER,
            {"a:1": "RSSecondary", "b:2": "Unknown"},
            "no primary among a:1 (RSSecondary)",
            "election",
        ),
        (NO_ANSWER, {}, "no server that belongs to the replica set", "replicaSet"),
        (NO_RIGHT, {"a:1": "RSPrimary"}, "OperationFailure 13", "user, password"),
    ],
)
def test_why_mongodb_cannot_be_used_decides_what_to_do(
    answer: Unanswered, servers: dict[str, str], seen: str, remedy: str
) -> None:
    finding = judge_away(answer, servers)
    assert finding.level is Level.PROBLEM
    assert seen in finding.seen
    assert remedy in finding.next


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        (FACTS, Level.OK),
        (replace(FACTS, version="6.0.5"), Level.OK),
        (replace(FACTS, version="5.0.30"), Level.WARNING),
        (replace(FACTS, has_transactions=False), Level.PROBLEM),
        (replace(FACTS, writable=False), Level.PROBLEM),
    ],
)
def test_a_server_must_take_transactions_and_be_the_primary(facts: ServerFacts, level: Level) -> None:
    assert judge_server(facts).level is level


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(0, Level.OK), (30, Level.OK), (-30, Level.OK), (31, Level.PROBLEM), (-31, Level.PROBLEM)],
)
def test_clocks_over_30_seconds_apart_are_a_problem(seconds: int, level: Level) -> None:
    assert judge_clocks(replace(FACTS, time=NOW + timedelta(seconds=seconds))).level is level


def test_a_slow_answer_is_no_difference_of_clocks() -> None:
    slow = replace(FACTS, before=NOW - timedelta(minutes=2), after=NOW + timedelta(minutes=2))
    assert judge_clocks(slow).level is Level.OK


@pytest.mark.parametrize(
    ("parameters", "level"),
    [
        (PARAMETERS, Level.OK),
        (replace(PARAMETERS, transaction_seconds=60), Level.OK),
        (replace(PARAMETERS, transaction_seconds=61), Level.WARNING),
        (replace(PARAMETERS, transaction_seconds=None), Level.WARNING),
        (NO_RIGHT, Level.WARNING),
    ],
)
def test_transactions_that_may_last_long_or_nobody_knows_how_long_are_a_warning(
    parameters: ServerParameters | Unanswered, level: Level
) -> None:
    assert judge_transactions(parameters).level is level


@pytest.mark.parametrize(
    ("parameters", "profiler", "level"),
    [
        (PARAMETERS, PROFILER, Level.WARNING),
        (PARAMETERS, replace(PROFILER, slow_milliseconds=9_999), Level.WARNING),
        (PARAMETERS, replace(PROFILER, slow_milliseconds=10_000), Level.OK),
        (PARAMETERS, replace(PROFILER, share=0.0), Level.OK),
        (PARAMETERS, replace(PROFILER, slow_milliseconds=10_000, filtered=True), Level.WARNING),
        (replace(PARAMETERS, log_redacted=True), PROFILER, Level.OK),
        (replace(PARAMETERS, log_redacted=True, log_verbose=True), PROFILER, Level.OK),
        (replace(PARAMETERS, log_verbose=True), replace(PROFILER, share=0.0), Level.WARNING),
        (NO_RIGHT, PROFILER, Level.WARNING),
        (PARAMETERS, NO_RIGHT, Level.WARNING),
    ],
)
def test_a_log_that_can_hold_people_is_a_warning(
    parameters: ServerParameters | Unanswered, profiler: Profiler | Unanswered, level: Level
) -> None:
    finding = judge_log(parameters, profiler)[0]
    assert (finding.check, finding.level) == (Check.MONGODB_LOG, level)


def test_a_profiler_that_is_on_is_a_warning_though_the_log_is_redacted() -> None:
    redacted = replace(PARAMETERS, log_redacted=True)
    for level, expected in ((0, Level.OK), (1, Level.WARNING), (2, Level.WARNING)):
        finding = judge_log(redacted, replace(PROFILER, level=level))[1]
        assert (finding.check, finding.level) == (Check.PROFILER, expected)
