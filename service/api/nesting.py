"""How deep a JSON text nests, told before a parser sees it: deep ones are cheap to send, dear to parse."""

import asyncio
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

_OPEN: Final = b"\x01"
_PAIR: Final = b"\x01\xff"
_STEPS: Final = bytes(1 if byte in b"[{" else 255 if byte in b"]}" else byte for byte in range(256))
"""Brackets become steps of the depth, as signed bytes: +1 and -1."""
_NEITHER: Final = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_STRING: Final = re.compile(rb'"[^"]*+"?+')
_ESCAPE: Final = re.compile(rb"\\.", re.DOTALL)
_FEW_ESCAPES: Final = 64  # fewer than one in so many bytes: below it the expression is the faster way
_PIECE_BYTES: Final = 2**14  # of brackets and quotes; the slowest text there is takes 4 ms for one piece


async def nests_deeper(text: bytes, limit: int) -> bool:
    """Whether arrays and objects nest to more than `limit` levels; brackets within strings do not count.

    Takes at most about 10 ms at a time for each MiB and lets others run in between. The answer is meant for
    JSON; for any other text it holds up to the first byte that a parser would refuse.
    """
    if text.count(b"[") + text.count(b"{") <= limit:
        return False
    depth = 0
    for steps in _pieces(_brackets_and_quotes(text)):
        if _climbs_over(steps, limit - depth):
            return True
        depth += 2 * steps.count(_OPEN) - len(steps)
        await asyncio.sleep(0)
    return False


def _brackets_and_quotes(text: bytes) -> bytes:
    if b"\\" in text:
        text = _without_escapes(text)
    # Two quotes in a row end one string and begin another, or are an empty one: without them all that
    # follows is inside or outside as before, and hardly any string is left.
    return text.translate(_STEPS, _NEITHER).replace(b'""', b"")


def _without_escapes(text: bytes) -> bytes:
    if text.count(b"\\") * _FEW_ESCAPES < len(text):
        return _ESCAPE.sub(b"", text)
    return text.replace(b"\\\\", b"").replace(b'\\"', b"")


def _pieces(text: bytes) -> Iterator[bytes]:
    """The steps outside of strings, piece by piece."""
    inside = False
    for start in range(0, len(text), _PIECE_BYTES):
        piece = text[start : start + _PIECE_BYTES]
        if inside or b'"' in piece:
            piece = b'"' + piece if inside else piece
            inside = piece.count(b'"') % 2 == 1
            piece = _STRING.sub(b"", piece)
        yield piece


def _climbs_over(steps: bytes, limit: int) -> bool:
    """Whether the sum of the steps is anywhere more than `limit`.

    Taking away all pairs of a step up and the step down after it lowers the highest sum by one at most. That
    alone clears all but contrived texts, at the speed of C; what it does not clear is walked step by step.
    """
    rest, spare = steps, limit
    while rest.count(_OPEN) > spare:
        shorter = rest.replace(_PAIR, b"")
        if len(rest) - len(shorter) <= len(rest) // 8:
            return max(accumulate(memoryview(steps).cast("b")), default=0) > limit
        rest, spare = shorter, spare - 1
    return False
