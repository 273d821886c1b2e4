"""`order-records check` says what the consumer would do, with the same words for the same bytes."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

import pytest
from aiokafka import ConsumerRecord
from hypothesis import example, given, settings
from hypothesis import strategies as st

from local.samples.broken import BROKEN, HARMLESS, broken_event, canary, harmless_event
from local.samples.forms import SampleEvent, binary, envelope, structured
from local.samples.orders import sample_order
from records.keys import RecordKeys
from records.payload import MAX_ORDER_BYTES
from records.policy import DateRules, GdprPolicy
from records.quarantine import QuarantineKey
from records.reasons import Reason
from records.record import RecordRules
from service.ingest import Event, Ingest
from service.verdict import verdict
from tests.event_corpus import entries, events_of
from tests.refusals import check_refusal
from tests.verbs import RunVerb, verb_runner

AT: Final = datetime.now(UTC)
STAMP: Final = int(AT.timestamp() * 1000)
KEYS: Final = RecordKeys.derive(bytes(32))
OLD: Final = int((AT - timedelta(days=366)).timestamp() * 1000)
Headers = list[tuple[str, bytes | None]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunVerb:
    run_verb = verb_runner(monkeypatch, capsys)
    return lambda *words: run_verb("check", *words)


def written(folder: Path, value: bytes | None) -> str:
    (folder / "event").write_bytes(value or b"")
    return str(folder / "event")


def header_words(headers: Any) -> list[str]:
    """As they are typed; a shell passes bytes, whatever they are."""
    return [
        word
        for name, value in headers
        for word in ("-H", name if value is None else f"{name}={value.decode(errors='surrogateescape')}")
    ]


async def ingests(value: bytes | None, headers: Any, timestamp: int) -> tuple[str, str, str]:
    """Outcome, reason and pointer as the consumer has them before anything is stored."""
    dates = DateRules()
    ingest = Ingest(cast("Any", None), KEYS, QuarantineKey.derive(bytes(32)), dates, timedelta(days=400), "1")
    record = ConsumerRecord("orders", 0, 0, timestamp, 0, b"", value, None, 0, 0, headers)
    batch = await ingest._prepare([cast("Event", record)], AT, GdprPolicy())
    if batch.refused:
        why = batch.refused[0].refused
        return "refused", why.reason, why.pointer
    return ("accepted" if batch.prepared else "skipped"), "", ""


def checks(value: bytes | None, headers: Any, timestamp: int) -> tuple[str, str, str]:
    answer = verdict(value, headers, timestamp, AT, RecordRules(KEYS, GdprPolicy(), DateRules()))
    if answer.refused is None:
        return answer.outcome, "", ""
    check_refusal(answer.refused)
    return answer.outcome, answer.refused.reason, answer.refused.pointer


@pytest.mark.parametrize("kind", [*BROKEN, *HARMLESS])
async def test_check_and_consumer_agree_on_every_kind_of_event(kind: str) -> None:
    make = broken_event if kind in BROKEN else harmless_event
    for number in range(4):
        event = make(kind, 1, number, at=AT)
        for timestamp in (STAMP, OLD, -1):
            assert checks(event.value, event.headers, timestamp) == await ingests(
                event.value, event.headers, timestamp
            )


@pytest.mark.parametrize("name", entries())
async def test_check_and_consumer_agree_on_the_whole_corpus(name: str) -> None:
    entry = entries()[name]
    for event, _ in events_of(entry, 1, AT):
        for timestamp in (STAMP, OLD):
            assert checks(event.value, event.headers, timestamp) == await ingests(
                event.value, event.headers, timestamp
            )


@settings(max_examples=200)
@given(
    st.binary(max_size=60) | st.none(),
    st.lists(
        st.tuples(
            st.sampled_from(["ce_specversion", "ce_type", "ce_id", "ce_source", "content-type", "x"]),
            st.sampled_from([None, b"1.0", b"order.completed", b"application/json"]) | st.binary(max_size=9),
        ),
        max_size=5,
    ),
    st.sampled_from([STAMP, OLD, -1]),
)
@example(b"{}", [("ce_specversion", b"1.0"), ("ce_type", b"order.completed")], STAMP)
async def test_check_and_consumer_agree_on_whatever_bytes(
    value: bytes | None, headers: Headers, timestamp: int
) -> None:
    assert checks(value, headers, timestamp) == await ingests(value, headers, timestamp)


@settings(max_examples=200)
@given(st.data(), st.integers(0, 300))
async def test_check_and_consumer_agree_on_any_bytes_changed_in_a_good_event(
    data: st.DataObject, number: int
) -> None:
    event = envelope(sample_order(1, number, at=AT), event="e-1")
    value = bytearray(event.value or b"")
    for _ in range(data.draw(st.integers(1, 3))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    assert checks(bytes(value), (), STAMP) == await ingests(bytes(value), (), STAMP)


def test_what_nobody_foresaw_is_unstorable(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("service.verdict.made_ready", fails)
    event = envelope(sample_order(1, 1, at=AT), event="e-1")
    assert checks(event.value, (), STAMP) == ("refused", Reason.UNSTORABLE, "")


FORMS: Final = {
    "structured": lambda order: structured(order, event="e-1", at=AT),
    "binary": lambda order: binary(order, event="e-1", at=AT),
    "envelope": lambda order: envelope(order, event="e-1"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_good_event_is_accepted_in_every_form(run: RunVerb, tmp_path: Path, form: str) -> None:
    event = FORMS[form](sample_order(1, 1, at=AT))
    done = run(*header_words(event.headers), written(tmp_path, event.value))
    assert (done.code, done.err) == (0, "")
    first, note = done.out.splitlines()
    assert first == "accepted"
    assert note.startswith("note      not judged:")


@pytest.mark.parametrize("kind", ["type-quantity-string", "currency-unknown", "empty-body", "too-large"])
def test_a_broken_event_is_refused_by_reason_and_place_without_a_word_of_it(
    run: RunVerb, tmp_path: Path, kind: str
) -> None:
    event = broken_event(kind, 1, 0, at=AT)
    words = [*header_words(event.headers), written(tmp_path, event.value)]
    plain, as_json = run(*words), run("--json", *words)
    assert (plain.code, as_json.code) == (1, 1)
    reason, pointer = BROKEN[kind].reason.value, as_json.json["pointer"]
    assert as_json.json["outcome"] == "refused"
    assert as_json.json["reason"] == reason
    assert plain.out.splitlines()[0] == f"refused: {reason} at {pointer or 'the whole event'}"
    assert canary(kind) not in plain.out + plain.err + as_json.out


def test_another_type_of_event_is_skipped_and_said_to_be(run: RunVerb, tmp_path: Path) -> None:
    done = run(written(tmp_path, b'{"event":"STOCK_CHANGED"}'))
    assert done.code == 0
    assert done.out.startswith("skipped: another type of event")


def test_members_that_nobody_knows_are_counted(run: RunVerb, tmp_path: Path) -> None:
    order = {**sample_order(1, 1, at=AT), "facilityReference": "a slip"}
    path = written(tmp_path, envelope(order, event="e-1").value)
    assert run("--json", path).json["unknownMembers"] == 1
    assert "that would be dropped: 1" in run(path).out


def test_the_age_of_an_event_is_judged_by_its_timestamp(run: RunVerb, tmp_path: Path) -> None:
    path = written(tmp_path, envelope(sample_order(1, 1, at=AT), event="e-1").value)
    assert run("--timestamp", "2001-02-03", path).out.startswith("refused: TOO_OLD")
    assert run("--timestamp", "1969-12-31", path).code == 0, "before 1970 Kafka knows no time: it is now"
    assert run("--timestamp", "2999-01-01", path).code == 0


def test_the_limits_are_those_of_the_settings(
    run: RunVerb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, envelope(sample_order(1, 1, at=AT), event="e-1").value)
    yesterday = (AT - timedelta(days=2)).isoformat()
    assert run("--timestamp", yesterday, path).code == 0
    monkeypatch.setenv("ORDER_RECORDS_RETENTION__MAX_EVENT_AGE_DAYS", "1")
    assert run("--timestamp", yesterday, path).out.startswith("refused: TOO_OLD")


def lines_of(*values: bytes) -> bytes:
    return b"".join(value + b"\n" for value in values)


GOOD: Final = envelope(sample_order(1, 1, at=AT), event="e-1").value or b""


def test_lines_are_judged_one_by_one_and_the_refused_are_named(run: RunVerb, tmp_path: Path) -> None:
    large = b" " * (2 * MAX_ORDER_BYTES + 7)
    path = written(tmp_path, lines_of(GOOD, b"", large, b'{"event":"STOCK_CHANGED"}', b'{"event":5}') + GOOD)
    plain, as_json = run("--lines", path), run("--lines", "--json", path)
    assert plain.code == as_json.code == 1
    assert plain.out.splitlines()[:4] == [
        "line 2: refused: EMPTY_BODY at the whole event",
        "line 3: refused: TOO_LARGE at the whole event",
        "line 5: refused: WRONG_TYPE at /event",
        "accepted 2, skipped 1, refused 3",
    ]
    *refused, total = map(json.loads, as_json.out.splitlines())
    assert [(each["line"], each["reason"]) for each in refused] == [
        (2, "EMPTY_BODY"),
        (3, "TOO_LARGE"),
        (5, "WRONG_TYPE"),
    ]
    assert (total["accepted"], total["skipped"], total["refused"]) == (2, 1, 3)


@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_the_limit_of_size_is_the_same_for_a_file_and_a_line(
    run: RunVerb, tmp_path: Path, spare: int
) -> None:
    value = GOOD + b" " * (MAX_ORDER_BYTES - len(GOOD) + spare)
    code = int(spare > 0)
    assert run(written(tmp_path, value)).code == code
    assert run("--lines", written(tmp_path, lines_of(value, GOOD))).code == code


def test_only_accepted_and_skipped_lines_end_with_0(run: RunVerb, tmp_path: Path) -> None:
    assert run("--lines", written(tmp_path, lines_of(GOOD, b'{"event":"X"}'))).code == 0


def test_lines_that_are_not_there_are_no_success(run: RunVerb, tmp_path: Path) -> None:
    done = run("--lines", written(tmp_path, b""))
    assert (done.code, done.err) == (1, "Error: no event in it\n")


def test_an_event_comes_by_standard_input_too(run: RunVerb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(GOOD)))
    assert run("-").out.startswith("accepted\n")


@pytest.mark.parametrize(
    "words",
    [(), ("/no/such/file",), ("/",), ("-H", "=x", "-"), ("-H", "", "-"), ("--timestamp", "soon", "-")],
)
def test_a_wrong_call_is_64(run: RunVerb, words: tuple[str, ...]) -> None:
    assert run(*words).code == 64


@pytest.mark.parametrize("value", [None, b"M\xfcller", b"a=b", b""])
def test_a_header_is_taken_as_it_would_be_sent(run: RunVerb, tmp_path: Path, value: bytes | None) -> None:
    event = binary(sample_order(1, 1, at=AT), event="e-1", at=AT)
    odd = SampleEvent(None, event.value, (*event.headers, ("trace", value)))
    assert run(*header_words(odd.headers), written(tmp_path, odd.value)).code == 0
    wrong = ((name, value if name == "ce_specversion" else text) for name, text in event.headers)
    assert run(*header_words(wrong), written(tmp_path, event.value)).code == 1


def test_nothing_is_needed_but_the_file(
    run: RunVerb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MONGO__URI", "KAFKA__BOOTSTRAP_SERVERS", "SECRETS__ID_KEY"):
        monkeypatch.delenv(f"ORDER_RECORDS_{name}", raising=False)
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("it connects somewhere"))
    assert run(written(tmp_path, GOOD)).code == 0
