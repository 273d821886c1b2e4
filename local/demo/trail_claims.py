"""The demo holds the signed checkpoints against the audit events it collected."""

import asyncio
import time
from typing import Final

from audit.checkpoints import SignedCheckpoint, open_checkpoint
from audit.keys import seed_key
from audit.merkle import CompactRange
from audit.notes import NoteError
from local.demo.claims import Claim
from local.demo.trail import Trail
from local.demo.waiting import Patience
from runtime.settings import Settings
from runtime.topics import KAFKA_AWAY, topic_partitions
from runtime.trail import Event, read_latest

_READ_SECONDS: Final = 3.0
_ARRIVE_SECONDS: Final = 5.0
_LATE_SECONDS: Final = 60.0


async def check_signed(settings: Settings, trail: Trail, patience: Patience) -> list[Claim]:
    """The claim about checkpoints; none on the in-process broker, whose topics cannot be a trail."""
    kafka, signed = settings.kafka, list[SignedCheckpoint]()

    async def all_arrived() -> bool:
        signed[:] = await _signed(settings)
        return bool(signed) and len(trail.leaves) >= max(each.checkpoint.size for each in signed)

    try:
        async with asyncio.timeout(_READ_SECONDS):
            if await topic_partitions(kafka, kafka.audit_topic) != 1:
                return []
        await patience.until(all_arrived, _ARRIVE_SECONDS)
    except KAFKA_AWAY as error:
        return [_claim(held=False, figures=f"the checkpoints cannot be read ({type(error).__name__})")]
    return [judge_signed(signed, trail, time.time())]


async def _signed(settings: Settings) -> list[SignedCheckpoint]:
    key = seed_key(settings.secrets.require("audit_signing_key"), settings.audit.log_name)
    signed: list[SignedCheckpoint] = []

    def take(record: Event) -> None:
        try:
            signed.append(open_checkpoint(record.value, [key]))
        except NoteError:
            return

    async with asyncio.timeout(_READ_SECONDS):
        await read_latest(settings.kafka, settings.kafka.checkpoint_topic, take, lambda: False)
    return signed


def judge_signed(signed: list[SignedCheckpoint], trail: Trail, now: float) -> Claim:
    """Whether each root is that of the events, and none waits for over a minute at a time (since 1970)."""
    tree, wrong = CompactRange(), 0
    for checkpoint in sorted((each.checkpoint for each in signed), key=lambda each: each.size):
        tree.append_all(trail.leaves[tree.size : checkpoint.size])
        wrong += (checkpoint.size, checkpoint.root) != (tree.size, tree.root())
    newest = max([trail.began, *(each.signed_at or 0 for each in signed)])
    in_time = tree.size == len(trail.leaves) or now - newest < _LATE_SECONDS
    return _claim(
        held=not wrong and in_time,
        figures=f"{tree.size} of {len(trail.leaves)} events by {len(signed)} checkpoints, {wrong} wrong",
    )


def _claim(*, held: bool, figures: str) -> Claim:
    return Claim("the audit topic is signed in a minute", held, figures)
