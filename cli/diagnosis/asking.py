"""Questions to servers, each with an end: what is not answered is a finding, too."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from records.mongo.errors import StoreError, StoreUnavailable
from runtime.process import told

T = TypeVar("T")


@dataclass(frozen=True)
class Unanswered:
    """Why there is no answer: the class of the error, and its text where the class is ours."""

    why: str
    refused: bool = False
    """MongoDB answered, and would not: asking again does not help."""


async def asked(question: Awaitable[T], seconds: float) -> T | Unanswered:
    """The answer, or why there is none; never takes longer and never raises."""
    try:
        async with asyncio.timeout(seconds):
            return await question
    except TimeoutError:
        return Unanswered(f"no answer within {seconds:g} s")
    except Exception as error:  # noqa: BLE001 - whatever goes wrong with one check, the others still run
        refused = isinstance(error, StoreError) and not isinstance(error, StoreUnavailable)
        return Unanswered(told(error), refused)
