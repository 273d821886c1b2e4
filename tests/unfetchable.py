"""Publishes a record that no client can decode: the name of its header is not UTF-8."""

import asyncio
import subprocess
import sys
from typing import Final

# In a process of its own: aiokafka's C extension, once loaded, takes no such header name.
PRODUCE: Final = """
import asyncio, os, sys
os.environ["AIOKAFKA_NO_EXTENSIONS"] = "1"
from aiokafka import AIOKafkaProducer

class NotUtf8(str):
    def encode(self, *_):
        return b"\\xff\\xfe"

async def main(bootstrap, topic, bad, after, beside):
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=50) as producer:
        for partition, count in ((0, 80), (1, beside)):
            sent = []
            for n in range(count):
                if n in (bad, bad + 1 + after):  # the bad one begins a batch, in which so many come after it
                    await asyncio.gather(*sent)
                name = NotUtf8("x") if (partition, n) == (0, bad) else "x"
                sent.append(await producer.send(topic, b"%d" % n, partition=partition, headers=[(name, b"")]))
            await asyncio.gather(*sent)

asyncio.run(main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])))
"""


async def publish_unfetchable(bootstrap: str, topic: str, bad: int, after: int = 0, beside: int = 70) -> None:
    """80 records to partition 0, some to partition 1; of the former the bad one cannot be fetched.

    `after` of those that follow it are in one batch with it. A negative `bad` is none.
    """
    command = [sys.executable, "-c", PRODUCE, bootstrap, topic, *map(str, (bad, after, beside))]
    await asyncio.to_thread(subprocess.run, command, check=True, timeout=60)
