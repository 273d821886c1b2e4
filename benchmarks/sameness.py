"""Both sides must say the same, or comparing their speed would say nothing."""

import re
from pathlib import Path
from typing import Any, Final

import httpx
import orjson

from benchmarks.api_calls import Call
from runtime.errors import UserError

_SECONDS: Final = 10.0
_INSTANT: Final = re.compile(r'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)"')


async def require_same_records(call: Call, token: str, addresses: tuple[str, str]) -> None:
    """Sends the first request of a call to both. Raises UserError unless both answer with the same records.

    Records are compared to the second: ours tell milliseconds, the bare routes microseconds.
    """
    first, second = [_records(await _answer(call.requests, token, address)) for address in addresses]
    if first != second or not first:
        raise UserError(f"{call.name}: the two sides do not answer with the same records")


async def _answer(requests: Path, token: str, address: str) -> str:
    with requests.open(encoding="utf-8") as lines:
        method, path, body = next(lines).rstrip("\n").split("\t")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(timeout=_SECONDS) as client:
        answer = await client.request(method, f"{address}{path}", content=body.encode(), headers=headers)
    if answer.status_code != httpx.codes.OK:
        raise UserError(f"{method} {path.partition('?')[0]} is answered with {answer.status_code}")
    return answer.text


def _records(text: str) -> list[Any]:
    content = orjson.loads(_INSTANT.sub(r'"\1"', text))
    return list(content.get("orderRecords", [content]))
