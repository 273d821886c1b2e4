"""What people write by hand: look for each order, then replace it; the offset is committed every 500."""

import json
import sys
import time
from typing import Any, Final

from confluent_kafka import Consumer
from pymongo import MongoClient

_COMMIT_EVERY: Final = 500
_PATIENCE_SECONDS: Final = 60.0


def main() -> None:
    """Arguments: Kafka's address, topic, MongoDB's address, database, how many orders."""
    bootstrap, topic, uri, database, wanted = sys.argv[1:]
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"naive-{database}",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topic])
    records = MongoClient[dict[str, Any]](uri, w="majority", journal=True)[database]["records"]
    done, deadline = 0, time.monotonic() + _PATIENCE_SECONDS
    while done < int(wanted) and time.monotonic() < deadline:
        message = consumer.poll(1.0)
        if message is None or message.error():
            continue
        order = json.loads(message.value() or b"")
        named = {"_id": order["tenantOrderRecordId"]}
        if records.find_one(named) is None:
            records.replace_one(named, order, upsert=True)
        done, deadline = done + 1, time.monotonic() + _PATIENCE_SECONDS
        if done % _COMMIT_EVERY == 0:
            consumer.commit()
    consumer.commit()
    consumer.close()
    time.sleep(_PATIENCE_SECONDS)  # its figures are still read; then it is ended


if __name__ == "__main__":
    main()
