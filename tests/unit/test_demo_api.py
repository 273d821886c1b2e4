"""The demo's API: the settings it gets, and the comparison by which the demo judges its answers."""

import socket
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import bson
import orjson
import pytest
from bson.codec_options import CodecOptions
from pydantic import TypeAdapter

from local.demo.api import Listing
from local.demo.api_claims import Seen, compare
from local.demo.environment import api_port, demo_environment
from local.demo.stream import texts
from local.samples.orders import sample_order
from records.identity import NaturalKey
from records.keys import RecordKeys
from records.lifecycle import as_seen
from records.payload import OrderPayload
from records.policy import DateRules, GdprPolicy
from records.record import RecordRules, prepare
from records.view import to_api
from runtime.settings import load_settings
from service.api.answers import answer
from service.api.auth_settings import check_auth_settings

Document = dict[str, Any]
NOW: Final = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
TIMES: Final = (NOW, NOW + SECOND)
RULES: Final = RecordRules(
    RecordKeys.derive(b"demo tests, 32 bytes of a secret"),
    GdprPolicy(retention_time=10, deletion_time_after_retention=30),
    DateRules(day=SECOND),
)
ORDER: Final = TypeAdapter(OrderPayload)
IN_UTC: Final = CodecOptions[Document](tz_aware=True)


def stored(number: int, age_seconds: float) -> Document:
    """As it is stored before the sweep came by: expired after 10 seconds, gone after 40."""
    created = NOW - timedelta(seconds=age_seconds)
    order = ORDER.validate_python(sample_order(7, number, at=created))
    record = prepare(order, NaturalKey.of_order(order["tenantOrderRecordId"]), created, RULES)
    return bson.decode(record.document, IN_UTC)


def shown(document: Document, at: datetime) -> Any:
    seen = as_seen(document, at)
    return None if seen is None else orjson.loads(answer(to_api(seen)).body)


FRESH, EXPIRED, GONE = stored(1, 1), stored(2, 20), stored(3, 50)
ALL: Final = sorted((FRESH, EXPIRED, GONE), key=lambda document: str(document["_id"]))
LISTED: Final = {document["_id"]: shown(document, NOW) for document in (FRESH, EXPIRED)}
PERSONAL: Final = {EXPIRED["_id"]: tuple(t for t in texts(EXPIRED["consumer"]) if len(t) > 5)}


def seen(listed: dict[str, Any], *totals: int) -> Seen:
    return compare(ALL, Listing(listed, list(totals)), TIMES, PERSONAL)


def test_a_list_of_what_is_to_be_seen_is_right() -> None:
    assert seen(LISTED, 2, 2) == Seen(listed=2, wrong=0, expired=1, named=0)


@pytest.mark.parametrize("missing", [FRESH["_id"], EXPIRED["_id"]])
def test_a_record_that_is_not_listed_is_wrong(missing: str) -> None:
    assert seen({i: record for i, record in LISTED.items() if i != missing}, 2).wrong == 1


def test_a_record_past_its_deletion_date_that_is_listed_is_wrong() -> None:
    assert seen({**LISTED, GONE["_id"]: shown(GONE, GONE["created"])}, 2).wrong == 1


def test_a_record_that_nobody_stored_is_wrong() -> None:
    assert seen({**LISTED, "another": shown(FRESH, NOW)}, 2).wrong == 1


def test_a_changed_member_is_wrong() -> None:
    changed = deepcopy(LISTED)
    changed[FRESH["_id"]]["lineItems"][0]["quantity"] += 1

    assert seen(changed, 2).wrong == 1


@pytest.mark.parametrize("total", [1, 3])
def test_a_total_that_is_not_the_number_of_visible_records_is_wrong(total: int) -> None:
    assert seen(LISTED, 2, total).wrong == 1


def test_an_expired_record_that_is_shown_as_it_is_stored_is_wrong_and_names_somebody() -> None:
    assert seen({**LISTED, EXPIRED["_id"]: shown(EXPIRED, EXPIRED["created"])}, 2) == Seen(2, 1, 1, 1)


@pytest.mark.parametrize(("age_seconds", "totals"), [(9.5, {1}), (39.5, {0, 1})])
def test_a_record_whose_date_comes_while_it_is_read_may_be_shown_either_way(
    age_seconds: float, totals: set[int]
) -> None:
    document = stored(4, age_seconds)

    for time in TIMES:
        record = shown(document, time)
        listed = {} if record is None else {document["_id"]: record}
        assert compare([document], Listing(listed, list(totals)), TIMES, {}).wrong == 0


def test_of_a_beginning_only_what_it_covers_is_compared() -> None:
    beyond = {**LISTED, "ffff": shown(FRESH, NOW)}

    found = compare(ALL, Listing(beyond, [4000]), TIMES, PERSONAL, complete=False)

    assert found == Seen(2, 0, 1, 0)


def test_the_callers_authentication_never_reaches_the_demo() -> None:
    caller = {
        "ORDER_RECORDS_AUTH__ISSUER": "https://issuer.test",
        "ORDER_RECORDS_AUTH__JWKS_FILE": "keys.json",
        "ORDER_RECORDS_AUTH__PERMISSIONS_CLAIM": "roles",
        "ORDER_RECORDS_API__HOST": "0.0.0.0",  # noqa: S104 (what must not come through)
    }

    settings = load_settings(demo_environment(caller))

    check_auth_settings(settings.auth)
    assert settings.auth.issuer == "order-records-demo"
    assert settings.auth.permissions_claim == "permissions"
    assert settings.api.host == "127.0.0.1"


def test_each_run_signs_its_tokens_with_another_secret() -> None:
    secrets = [load_settings(demo_environment({})).auth.hs256_secret for _ in range(2)]

    assert secrets[0] != secrets[1]


def port(**environ: str) -> int:
    return load_settings(api_port(environ)).api.port


def test_the_api_has_the_callers_port() -> None:
    assert port(ORDER_RECORDS_API__PORT="12345") == 12345


def test_a_port_that_somebody_has_is_not_taken() -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8080))
        except OSError:
            pass  # somebody else has it
        else:
            taken.listen()

        assert port() not in {0, 8080}


def test_any_free_port_is_one_that_can_be_printed() -> None:
    assert port(ORDER_RECORDS_API__PORT="0") > 0
