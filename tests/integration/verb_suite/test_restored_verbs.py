"""Verbs on a database that was put back: what would change it refuses, what only looks answers."""

from datetime import UTC, datetime, timedelta

import pytest

from records.mongo.restored import Ahead
from tests.integration.verb_suite.shop import KINDS, Shop, broken, ids, one_line, orders
from tests.running_restore import refused
from tests.verbs import RunVerb

AHEAD = Ahead("AHEAD", "order-records.audit", 9, 3, 7, 2)


@pytest.fixture
def put_back(shop: Shop) -> list[str]:
    """Refused events in a database whose trail is ahead of it; their ids."""
    events = [*orders(1), *broken(KINDS[:1])]
    shop.refuse(events)
    shop.do(lambda database: refused(database, AHEAD, "order-records"))
    return ids(events)


@pytest.mark.parametrize(
    "words",
    [
        ("replay", "--all"),
        ("drop", "ID", "--reason", "SENT_AGAIN"),
        ("show", "ID", "--payload", "--reason", "INCIDENT"),
    ],
)
def test_a_verb_that_changes_something_refuses(
    shop: Shop, put_back: list[str], run: RunVerb, words: tuple[str, ...]
) -> None:
    before = {name: shop.rows(name) for name in ("records", "quarantine", "outbox")}
    told = one_line(run(*(put_back[0] if word == "ID" else word for word in words)))
    assert "audit topic order-records.audit ends with erasure 9 and policy version 3" in told
    assert "this database with 7 and 2" in told
    assert told.endswith("run `order-records lifecycle reapply`\n")
    assert {name: shop.rows(name) for name in before} == before


@pytest.mark.parametrize(
    "words",
    [
        ("quarantine", "replay", "--all"),
        ("quarantine", "drop", "ID", "--reason", "SENT_AGAIN"),
        ("lifecycle", "recompute", "--confirm", f"sha256:{'0' * 64}"),
    ],
)
def test_a_verb_that_changes_something_refuses_while_nobody_has_compared_the_database(
    shop: Shop, run_verb: RunVerb, words: tuple[str, ...]
) -> None:
    events = broken(KINDS[:1])
    shop.refuse(events)
    at = datetime.now(UTC) - timedelta(minutes=61)
    shop.do(lambda database: database.state.insert_one({"_id": "heartbeat", "at": at}))
    before = {name: shop.rows(name) for name in ("records", "quarantine", "outbox")}
    told = one_line(run_verb(*(ids(events)[0] if word == "ID" else word for word in words)))
    assert "so it may be a backup; start `order-records work`" in told
    assert {name: shop.rows(name) for name in before} == before


def test_a_verb_that_only_looks_answers(put_back: list[str], run: RunVerb) -> None:
    assert run("list").code == 0
    assert run("show", put_back[0]).code == 0


def test_bringing_back_without_kafka_is_one_line_and_keeps_the_verdict(
    shop: Shop, put_back: list[str], run_verb: RunVerb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1")
    assert "Kafka does not give what is needed" in one_line(run_verb("lifecycle", "reapply"))
    assert "restore" in {row["_id"] for row in shop.rows("state")}
    assert len(put_back) == 2
