"""What whoever runs the demo may choose."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.servers.kafka import KafkaKind
from records.policy import GdprPolicy

POLICY: Final = GdprPolicy(retention_time=10, deletion_time_after_retention=30, version=1)
DAY_SECONDS: Final = 1
"""With days of a second a record lives its whole life in 40 of them."""


@dataclass(frozen=True)
class DemoOptions:
    """How long, how much, on what: `seconds` and `orders` bound it, None means until Ctrl-C."""

    seconds: float | None = None
    orders: int | None = None
    kafka: KafkaKind = "auto"
    keep: Path | None = None
    rate: float = 25.0
    seed: int = 1
