"""What must hold for the signed trail, whatever happened: one history, covered in time, found sound."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from audit.checkpoints import open_checkpoint, open_range
from audit.keys import seed_key
from local.demo.children import Child
from tests.e2e.deployment import Deployment, until
from tests.running_restore import verb

COVERED_SECONDS: Final = 60.0
"""Within so long after an event is written a checkpoint covers it, while a notary works."""
_READS: Final = "following the trail"
Span = tuple[float, float]
"""From, until; in seconds since 1970."""


@dataclass(frozen=True)
class SignedTrail:
    """When each event was written, and how many were signed when: in the order of both topics."""

    written: Sequence[float]
    signed: Sequence[tuple[int, float]]

    def check_in_time(self, away: Iterable[Span]) -> None:
        """Each event was covered within a minute, and for so much longer as no notary was there."""
        gaps, covered = list(away), 0
        for size, at in sorted(self.signed, key=lambda each: each[1]):
            for offset in range(covered, size):
                since = self.written[offset]
                missed = sum(max(0.0, min(at, end) - max(since, begin)) for begin, end in gaps)
                late = at - since - missed - COVERED_SECONDS
                assert late <= 0, f"event {offset} was covered {late:.1f} s too late"
            covered = max(covered, size)
        assert covered == len(self.written), f"{len(self.written) - covered} events are not covered"


async def check_signed(deployment: Deployment, worker: Child) -> SignedTrail:
    """All is covered in time from now on, every checkpoint is of one history, and `audit verify` agrees.

    The worker is the one that leads; the trail must not grow any more.
    """
    records = await deployment.read(deployment.settings.kafka.audit_topic)

    async def covered() -> bool:
        return (await worker.figures()).get("order_records_audit_signed_events", 0) >= len(records)

    await until(covered, COVERED_SECONDS, "the whole trail is signed")
    values = [record.value or b"" for record in records]
    signed = await _checkpoints(deployment, values)
    await _check_verified(deployment, len(values))
    return SignedTrail([record.timestamp / 1000 for record in records], signed)


async def _checkpoints(deployment: Deployment, values: Sequence[bytes]) -> list[tuple[int, float]]:
    """Size and time of each, in the order of their topic; the roots are computed here by hand."""
    settings = deployment.settings
    key = seed_key(settings.secrets.require("audit_signing_key"), settings.audit.log_name)
    leaves = [hashlib.sha256(b"\x00" + value).digest() for value in values]
    found = []
    for record in await deployment.read(settings.kafka.checkpoint_topic):
        checkpoint = open_checkpoint(record.value, [key]).checkpoint
        assert checkpoint.size <= len(leaves), "more was signed than there is"
        assert checkpoint.root == root(leaves[: checkpoint.size]), (
            f"another root for {checkpoint.size} events"
        )
        open_range(checkpoint, record.headers)
        found.append((checkpoint.size, record.timestamp / 1000))
    return found


def root(leaves: Sequence[bytes]) -> bytes:
    """Of a tree over so many leaves' hashes, as RFC 6962 (section 2.1) defines it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root(leaves[:half]) + root(leaves[half:])).digest()


async def _check_verified(deployment: Deployment, size: int) -> None:
    code, printed, _ = await verb(deployment.variables, "audit", "verify", "--json")
    facts: dict[str, Any] = json.loads(printed)
    assert (code, facts["verdict"], facts["findings"]) == (0, "SOUND", []), facts
    assert facts["proven"] == size, facts


def away(deployment: Deployment, killed: Iterable[float]) -> list[Span]:
    """From each kill until the next notary has read the last checkpoint; what overlaps is one."""
    lines = (line for line in deployment.logs().splitlines() if f'"event":"{_READS}"' in line)
    began = sorted(datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp() for line in lines)
    spans = list[Span]()
    for at in sorted(killed):
        if not spans or at > spans[-1][1]:
            spans.append((at, next(each for each in began if each > at)))
    return spans
