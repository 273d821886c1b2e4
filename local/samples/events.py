"""A stream of sample events as a topic would hold it: all forms, repeats, and broken ones on request."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from local.samples.broken import BROKEN, broken_event
from local.samples.forms import SampleEvent, binary, envelope, form_of, structured
from local.samples.orders import sample_order

__all__ = ["LabelledEvent", "SampleEvent", "binary", "envelope", "sample_events", "structured"]

_REMEMBERED = 1000
"""How many orders back a repeat may reach; bounds the memory of an endless stream."""


@dataclass(frozen=True, slots=True)
class LabelledEvent:
    """An event and what it is: ``valid``, ``duplicate``, or a kind of ``BROKEN``.

    ``number`` is that of the order inside: a duplicate's is the number of the order that it repeats.
    """

    event: SampleEvent
    kind: str
    number: int


def sample_events(
    seed: int,
    count: int,
    *,
    at: datetime,
    duplicates: float = 0.0,
    broken: float = 0.0,
    start: int = 0,
    kinds: Sequence[str] = tuple(BROKEN),
) -> Iterator[LabelledEvent]:
    """``count`` events for the numbers from ``start`` on, all of them orders of ``at``.

    ``broken`` and ``duplicates`` are shares of 1. Broken events come evenly spaced and take turns through
    ``kinds``; repeats come at random places, in any form, with the content of an earlier order of this call.
    """
    recent: deque[int] = deque(maxlen=_REMEMBERED)
    for number in range(start, start + count):
        turn = int(number * broken)
        if int((number + 1) * broken) > turn:
            kind = kinds[turn % len(kinds)]
            yield LabelledEvent(broken_event(kind, seed, number, at=at), kind, number)
            continue
        rng = Random(f"event/{seed}/{number}")  # noqa: S311  (the same stream every time, no secret)
        repeats = bool(recent) and rng.random() < duplicates
        source = rng.choice(recent) if repeats else number
        event = form_of(seed, number, at=at)(sample_order(seed, source, at=at))
        yield LabelledEvent(event, "duplicate" if repeats else "valid", source)
        if not repeats:
            recent.append(number)
