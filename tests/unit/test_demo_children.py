"""What the demo sees of a process that ends in the middle of its answer."""

import asyncio
import sys
from pathlib import Path
from typing import Final

import pytest

from local.demo.children import Child
from local.servers.process import HOST, Process

HALF_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
NO_ANSWER: Final = b""
GARBAGE: Final = b"\x00\x01\r\n\r\n"


@pytest.mark.parametrize("sent", [HALF_ANSWER, NO_ANSWER, GARBAGE])
async def test_a_process_killed_within_its_answer_is_silent(tmp_path: Path, sent: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)
        writer.close()
        await writer.wait_closed()

    process = Process([sys.executable, "-c", "pass"], tmp_path / "log")
    try:
        async with await asyncio.start_server(answer, HOST, 0) as server:
            child = Child("consume", process, server.sockets[0].getsockname()[1])
            assert await child.figures() == {}
    finally:
        await process.end()
