"""Chooses the Kafka broker for one machine."""

import asyncio
from pathlib import Path
from typing import Literal

from local.servers.apache_kafka import ApacheKafka
from local.servers.in_process_kafka import InProcessKafka
from local.servers.kafka_jars import java_and_maven

KafkaKind = Literal["auto", "apache", "in-process"]
LocalKafka = ApacheKafka | InProcessKafka


async def choose_kafka(kind: KafkaKind, folder: Path) -> LocalKafka:
    """Starts the broker of that kind; `auto`: Apache Kafka where Java and Maven are, else the in-process one.

    `folder` takes Apache Kafka's data and log. Raises UserError when the broker cannot be started.
    """
    if kind == "apache" or (kind == "auto" and await asyncio.to_thread(java_and_maven)):
        return await ApacheKafka.start(folder)
    return await InProcessKafka.start()
