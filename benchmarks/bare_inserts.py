"""The ceiling: `insert_many` of our own records, encoded beforehand, by two threads that do nothing else."""

import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final

from bson.raw_bson import RawBSONDocument
from confluent_kafka import Consumer, Message
from pymongo import MongoClient

from records.keys import RecordKeys
from records.policy import DateRules, GdprPolicy
from records.record import RecordRules, prepare
from runtime.secret_keys import KEY_BYTES
from runtime.settings import Retention
from service.events import decode

_BATCH: Final = 1000
_THREADS: Final = 2
_PATIENCE_SECONDS: Final = 60.0


def main() -> None:
    """Arguments: Kafka's address, topic, MongoDB's address, database, how many orders."""
    bootstrap, topic, uri, database, wanted = sys.argv[1:]
    documents = list(_documents(bootstrap, topic, int(wanted)))
    records = MongoClient[dict[str, Any]](uri, w="majority", journal=True)[database]["records"]

    def insert(batch: Sequence[bytes]) -> None:
        records.insert_many([RawBSONDocument(each) for each in batch], ordered=False)

    with ThreadPoolExecutor(_THREADS) as threads:
        batches = (documents[start : start + _BATCH] for start in range(0, len(documents), _BATCH))
        for _ in threads.map(insert, batches):
            pass
    time.sleep(_PATIENCE_SECONDS)  # its figures are still read; then it is ended


def _documents(bootstrap: str, topic: str, wanted: int) -> Iterator[bytes]:
    rules = RecordRules(
        RecordKeys.derive(secrets.token_bytes(KEY_BYTES)),
        GdprPolicy(),
        DateRules.of(**Retention().date_numbers()),
    )
    now = datetime.now(UTC).replace(microsecond=0)
    for value, headers in _values(bootstrap, topic, wanted):
        incoming = decode(value, headers)
        if incoming != "skipped":
            yield prepare(incoming.order, incoming.natural_key, now, rules).document


def _values(
    bootstrap: str, topic: str, wanted: int
) -> Iterator[tuple[bytes | None, list[tuple[str, bytes | None]]]]:
    options = {"bootstrap.servers": bootstrap, "group.id": f"bare-{secrets.token_hex(4)}"}
    consumer = Consumer({**options, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    consumer.subscribe([topic])
    done, deadline = 0, time.monotonic() + _PATIENCE_SECONDS
    while done < wanted and time.monotonic() < deadline:
        message = consumer.poll(1.0)
        if message is not None and not message.error():
            yield message.value(), _headers(message)
            done, deadline = done + 1, time.monotonic() + _PATIENCE_SECONDS
    consumer.close()


def _headers(message: Message) -> list[tuple[str, bytes | None]]:
    headers = message.headers()
    pairs = headers.items() if isinstance(headers, dict) else headers or ()
    return [(name, value.encode() if isinstance(value, str) else value) for name, value in pairs]


if __name__ == "__main__":
    main()
