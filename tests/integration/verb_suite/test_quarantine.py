"""`order-records quarantine`: what a person sees and does, with a real database."""

import base64
from datetime import UTC, datetime

import pytest

from local.samples.events import SampleEvent
from local.samples.faults import canary
from local.servers.process import free_port
from records.identity import NaturalKey, record_id
from records.mongo.client import Database
from records.mongo.outbox import Stamp
from records.mongo.quarantine_acts import Act
from records.mongo.quarantine_skips import Range, skip
from records.quarantine import Position, SkipGrounds
from tests.integration.verb_suite.shop import (
    HOUR,
    KINDS,
    Shop,
    audited,
    broken,
    broken_order,
    entry_id,
    event,
    ids,
    one_line,
    orders,
    variables,
)
from tests.verbs import RunVerb

NOTHING_THERE = "order-completed/4/99/1"


def test_the_list_shows_where_and_why_the_newest_first(shop: Shop, run: RunVerb) -> None:
    events = broken()
    shop.take(events)
    printed = run("list")
    assert printed.code == 0
    lines = printed.out.splitlines()
    assert [line.split()[:3] for line in lines[1:3]] == [
        [entry_id(events[1]), "kept", "UNKNOWN_VALUE"],
        [entry_id(events[0]), "kept", "WRONG_TYPE"],
    ]
    assert lines[-1] == "2 of 2"


def test_the_list_as_json_filters_and_counts(shop: Shop, run: RunVerb) -> None:
    events = broken()
    shop.take(events)
    listed = run("list", "--json", "--reason", "WRONG_TYPE", "--topic", "order-completed").json
    assert listed["total"] == 1
    (found,) = listed["entries"]
    assert found["id"] == entry_id(events[0])
    assert found | {"due": "", "arrived": "", "time": ""} == {
        "id": entry_id(events[0]),
        "topic": "order-completed",
        "partition": 4,
        "offset": 50,
        "reason": "WRONG_TYPE",
        "pointer": found["pointer"],
        "state": "kept",
        "recordId": found["recordId"],
        "untilOffset": None,
        "grounds": None,
        "due": "",
        "arrived": "",
        "time": "",
    }
    assert run("list", "--json", "--limit", "1").json["total"] == 2
    assert run("list", "--json", "--since", "2999-01-01").json == {"entries": [], "total": 0}
    assert run("list", "--json", "--until", "2001-01-01T00:00:00+01:00").json["entries"] == []


def test_an_entry_is_shown_without_its_content(shop: Shop, run: RunVerb) -> None:
    events = orders(1)
    shop.refuse(events)
    (identifier,) = ids(events)
    printed = run("show", identifier)
    assert printed.code == 0
    assert dict(line.split(maxsplit=1) for line in printed.out.splitlines())["reason"] == "UNSTORABLE"
    shown = run("show", identifier, "--json").json
    assert "event" not in shown
    assert shown["recordId"] is not None
    assert audited(shop, "shown") == []


def test_the_content_is_shown_for_a_reason_and_that_is_announced(shop: Shop, run: RunVerb) -> None:
    events = broken()
    shop.take(events)
    asked = (
        "show",
        ids(events)[0],
        "--payload",
        "--reason",
        "PUBLISHER_SUPPORT",
        "--actor",
        "ann@example.com",
    )
    printed = run(*asked)
    assert printed.code == 0
    assert canary(KINDS[0]) in printed.out
    shown = run(*asked, "--json").json["event"]
    assert base64.b64decode(shown["valueBase64"]) == events[0].value
    assert [header["name"] for header in shown["headers"]] == [name for name, _ in events[0].headers]
    first, second = audited(shop, "shown")
    assert first.data == second.data
    assert (first.data.grounds, first.data.offset) == ("PUBLISHER_SUPPORT", 50)
    assert first.data.actor == shop.keys.pseudonym("ann@example.com")


def test_content_cannot_command_the_terminal(shop: Shop, run: RunVerb) -> None:
    nasty = SampleEvent(b"\x1b[2J", b"\x1b]0;x\x07 \xff \xe2\x80\xae", (("h\x1b", None),))
    events = [event(1, nasty)]
    shop.take(events)
    printed = run("show", ids(events)[0], "--payload", "--reason", "INCIDENT").out
    assert printed.endswith(
        "--- key\n\\x1b[2J\n--- headers\nh\\x1b: (null)\n--- value\n\\x1b]0;x\\x07 \\xff \\u202e\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("show", "not-an-id"),
        ("show", NOTHING_THERE, "--payload"),
        ("show", NOTHING_THERE, "--reason", "INCIDENT"),
        ("show", NOTHING_THERE, "--payload", "--reason", "CURIOSITY"),
        ("list", "--reason", "SOMETHING"),
        ("list", "--since", "yesterday"),
        ("list", "--since", "0001-01-01T00:00+14:00"),
        ("list", "--until", "9999-12-31T23:59-14:00"),
        ("list", "--topic", "\udcff"),
        ("list", "--topic", ""),
        ("show", "\udcff/1/2/3"),
        ("show", NOTHING_THERE, "--payload", "--reason", "INCIDENT", "--actor", "\udcff"),
        ("drop", NOTHING_THERE, "--reason", "SENT_AGAIN", "--actor", ""),
        ("skip", "\udcff", "0", "0", "--reason", "DAMAGED"),
        ("list", "--limit", "0"),
        ("drop", NOTHING_THERE),
        ("drop", "--reason", "SENT_AGAIN"),
        ("drop", NOTHING_THERE, "--reason", "INCIDENT"),
        ("replay",),
        ("replay", "--all", "--reason", "CONFLICT"),
        ("replay", NOTHING_THERE, "--all"),
        ("replay", "--all", "--rate", "0"),
        ("forget",),
    ],
)
def test_a_wrong_call_is_64(run: RunVerb, words: tuple[str, ...]) -> None:
    assert run(*words).code == 64


@pytest.mark.parametrize("words", [("list",), ("show",), ("replay",), ("drop",), ("skip",), ()])
def test_each_verb_has_help_with_an_example(run: RunVerb, words: tuple[str, ...]) -> None:
    printed = run(*words, "--help")
    assert printed.code == 0
    assert f"Example:\n    order-records quarantine {''.join(words)}" in printed.out


def test_what_is_not_there_is_said_in_one_line(shop: Shop, run: RunVerb) -> None:
    assert NOTHING_THERE in one_line(run("show", NOTHING_THERE))
    assert "1 of 1" in one_line(run("drop", NOTHING_THERE, "--reason", "SENT_AGAIN"))
    assert "1 entries have no content" in one_line(run("replay", NOTHING_THERE))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ORDER_RECORDS_SECRETS__ID_KEY", base64.b64encode(bytes(32)).decode()),
        ("ORDER_RECORDS_RETENTION__DAY_SECONDS", "1"),
        ("ORDER_RECORDS_RETENTION__BASE", "orderRecordDate"),
    ],
)
def test_with_settings_of_another_deployment_nothing_is_done(
    shop: Shop, run: RunVerb, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    events = orders(1)
    shop.refuse(events)
    monkeypatch.setenv(name, value)
    for words in (("replay", "--all"), ("drop", *ids(events), "--reason", "SENT_AGAIN")):
        assert name in one_line(run(*words))
    assert len(shop.rows("quarantine")) == 1
    assert shop.rows("records") == []


def test_a_verb_that_was_led_to_a_wrong_database_leaves_nothing_there(
    mongo_uri: str, fresh_database: str, run: RunVerb, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(variables(mongo_uri, fresh_database))
    shop.set_variables(monkeypatch)
    for words in (("list",), ("replay", "--all"), ("drop", NOTHING_THERE, "--reason", "SENT_AGAIN")):
        assert fresh_database in one_line(run(*words))

    async def collections(database: Database) -> list[str]:
        return await database.state.database.list_collection_names()

    assert shop.do(collections) == []


def test_dropping_erases_at_once_and_can_be_repeated(shop: Shop, run: RunVerb) -> None:
    events = orders(2)
    shop.refuse(events)
    dropped = run("drop", *ids(events), "--reason", "SENT_AGAIN", "--json").json
    assert dropped == {"entries": [{"id": each, "result": "dropped"} for each in ids(events)]}
    assert all("sealed" not in row for row in shop.rows("quarantine"))
    assert [each.data.grounds for each in audited(shop, "dropped")] == ["SENT_AGAIN"] * 2
    again = run("drop", ids(events)[0], "--reason", "PUBLISHER_ASKED")
    assert (again.code, "already bare" in again.out) == (0, True)
    assert run("list").out.splitlines()[-1] == "0 of 0"
    assert {each["state"] for each in run("list", "--bare", "--json").json["entries"]} == {"dropped"}
    assert "no content" in one_line(run("replay", ids(events)[0]))
    shown = run("show", ids(events)[0], "--payload", "--reason", "INCIDENT")
    assert "no content" in one_line(shown)


def test_nobody_is_named_but_where_the_content_was_asked_for(shop: Shop, run: RunVerb) -> None:
    kinds = (
        "type-quantity-string",
        "missing-facility",
        "key-with-dollar",
        "cleanup-after-deletion",
        "not-json",
    )
    events = broken(kinds)
    shop.take(events)
    first = ids(events)[0]
    calls = (
        *(("list",), ("list", "--json"), ("show", first), ("show", first, "--json")),
        *(("replay", "--all", "--dry-run"), ("replay", "--all"), ("replay", "--all", "--json")),
        ("replay", first),
        ("drop", first, "--reason", "NOT_AN_ORDER", "--actor", "Erika Mustermann"),
        ("drop", first, "--reason", "NOT_AN_ORDER", "--json"),
    )
    said = "".join(printed.out + printed.err for printed in (run(*words) for words in calls))
    run(
        "show", ids(events)[1], "--payload", "--reason", "DATA_SUBJECT_REQUEST", "--actor", "Erika Mustermann"
    )
    trail = b"".join(shop.audit_events()).decode()
    assert "CANARY" not in said + trail
    assert "Mustermann" not in said + trail
    assert trail.count("quarantine.dropped") == trail.count("quarantine.shown") == 1


def test_why_an_entry_was_dropped_is_shown(shop: Shop, run: RunVerb) -> None:
    events = orders(1)
    shop.refuse(events)
    (identifier,) = ids(events)
    assert run("drop", identifier, "--reason", "SENT_AGAIN").code == 0
    shown = run("show", identifier, "--json").json
    assert (shown["state"], shown["grounds"]) == ("dropped", "SENT_AGAIN")


def test_what_was_skipped_is_shown_with_its_range_and_why(shop: Shop, run: RunVerb) -> None:
    position = Position("order-completed", 4, 18273, 1795392898120)

    async def skipped(database: Database) -> None:
        stamp = Stamp("1.2.3", 0, "sha256:" + "0" * 64)
        act = Act("5f1e578d1ca982d2a636924b631770b9", datetime.now(UTC), stamp)
        await skip(database, Range(position, 18281, "a topic"), SkipGrounds.DAMAGED, act, HOUR)

    shop.do(skipped)
    shown = run("show", position.entry_id, "--json").json
    assert (shown["state"], shown["untilOffset"], shown["grounds"]) == ("skipped", 18281, "DAMAGED")
    assert (
        dict(line.split(maxsplit=1) for line in run("show", position.entry_id).out.splitlines())[
            "untilOffset"
        ]
        == "18281"
    )


def test_while_kafka_is_away_a_skip_says_so_in_one_line(
    shop: Shop, run: RunVerb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
    assert "KafkaConnectionError" in one_line(run("skip", "order-completed", "0", "0", "--reason", "DAMAGED"))


@pytest.mark.parametrize("again", [("a-new-number", True), ("erased", False)])
def test_of_an_order_that_was_erased_no_broken_event_is_kept(shop: Shop, again: tuple[str, bool]) -> None:
    number, kept = again

    async def forget(database: Database) -> None:
        erased = record_id(shop.keys.identity, NaturalKey.of_order("erased"))
        await database.ledger.insert_one({"_id": erased})

    shop.do(forget)
    shop.take([event(1, broken_order(number))])
    assert len(shop.rows("quarantine")) == kept
