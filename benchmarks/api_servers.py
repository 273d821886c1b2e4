"""The processes of the benchmark: MongoDB, `serve`, and the bare routes."""

import asyncio
import base64
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import psutil

from benchmarks import bare_app
from benchmarks.target import Target
from local.demo.children import child
from local.servers.process import HOST, Process, free_port, listens
from runtime.environment import PREFIX, variable
from runtime.errors import UserError

DATABASE: Final = "benchmark"
_READY_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 0.1
_VERB_SECONDS: Final = 30.0
_MINUTES: Final = "720"


def variables(mongo_uri: str, id_key: bytes) -> dict[str, str]:
    """The environment of `serve`: one token secret for this run, and nothing of the caller's settings."""
    of_the_caller = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return of_the_caller | {
        variable("mongo", "uri"): mongo_uri,
        variable("mongo", "database"): DATABASE,
        variable("secrets", "id_key"): base64.b64encode(id_key).decode(),
        variable("api", "host"): HOST,
        variable("api", "port"): str(free_port()),
        variable("auth", "issuer"): "https://issuer.test",
        variable("auth", "audience"): "order-records",
        variable("auth", "hs256_secret"): secrets.token_hex(32),
        variable("enabled_on_first_start"): "true",
    }


async def signed_token(environ: Mapping[str, str]) -> str:
    """What `order-records token` prints. Raises UserError when it fails."""
    command = [sys.executable, "-m", "cli.main", "token", "--minutes", _MINUTES]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, env=environ, stdout=pipe)
    async with asyncio.timeout(_VERB_SECONDS):
        output, _ = await process.communicate()
    if process.returncode:
        raise UserError(f"order-records token ended with {process.returncode}")
    return output.decode().strip()


@asynccontextmanager
async def serve_process(environ: Mapping[str, str], folder: Path) -> AsyncIterator[Target]:
    """`order-records serve`, ready, ended with the block."""
    async with child("serve", environ, folder) as serve:
        await serve.ready()
        port = environ[variable("api", "port")]
        yield Target(f"http://{HOST}:{port}", psutil.Process(serve.process.pid))


@asynccontextmanager
async def bare_process(mongo_uri: str, folder: Path) -> AsyncIterator[Target]:
    """The bare routes, ready, ended with the block. Raises UserError when they do not come up."""
    port = free_port()
    named = {bare_app.URI: mongo_uri, bare_app.DATABASE: DATABASE, bare_app.PORT: str(port)}
    command = [sys.executable, "-m", bare_app.__name__]
    process = Process(command, folder / "bare.log", {**os.environ, **named})
    try:
        await _answering(process, port)
        yield Target(f"http://{HOST}:{port}", psutil.Process(process.pid))
    finally:
        await process.end(grace_seconds=2)


async def _answering(process: Process, port: int) -> None:
    try:
        async with asyncio.timeout(_READY_SECONDS):
            while not await listens(HOST, port):
                if process.exit_code() is not None:
                    raise UserError(f"the bare routes ended: {process.last_lines()}")
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError:
        raise UserError(f"the bare routes do not answer: {process.last_lines()}") from None
