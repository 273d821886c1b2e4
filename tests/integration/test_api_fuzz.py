"""The running `serve` against its own OpenAPI document: every answer is one that the document declares."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from local.demo.children import child
from local.servers.process import free_port
from records.mongo.client import open_database
from records.mongo.indexes import build_indexes
from tests import tokens

PERMISSIONS: Final = [
    "ORDER_RECORD_READ",
    "ORDER_RECORD_WRITE",
    "CONFIG_READ",
    "CONFIG_WRITE",
    "LIFECYCLE_READ",
]
LONGEST_SECONDS: Final = 3_600
CHECKS: Final = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method,ignored_auth"
)


@pytest.mark.parametrize("examples", [100, pytest.param(1000, marks=pytest.mark.soak)])
async def test_no_call_gets_an_answer_that_the_document_does_not_declare(
    mongo_uri: str, fresh_database: str, tmp_path: Path, examples: int
) -> None:
    port = free_port()
    environ = {
        **os.environ,
        "ORDER_RECORDS_MONGO__URI": mongo_uri,
        "ORDER_RECORDS_MONGO__DATABASE": fresh_database,
        "ORDER_RECORDS_SECRETS__ID_KEY": "b25seSBmb3IgdGVzdHMsIDMyIGJ5dGVzIG9mIGl0Li4=",
        "ORDER_RECORDS_API__PORT": str(port),
        "ORDER_RECORDS_AUTH__ISSUER": tokens.ISSUER,
        "ORDER_RECORDS_AUTH__AUDIENCE": tokens.AUDIENCE,
        "ORDER_RECORDS_AUTH__HS256_SECRET": tokens.SECRET,
        "ORDER_RECORDS_ENABLED_ON_FIRST_START": "true",
    }
    async with open_database(mongo_uri, fresh_database) as database:
        await build_indexes(database)
        async with child("serve", environ, tmp_path) as serve:
            await serve.ready()
            await asyncio.to_thread(_call_in_every_way, port, examples, tmp_path)


def _call_in_every_way(port: int, examples: int, folder: Path) -> None:
    program = str(Path(sys.executable).with_name("schemathesis"))
    address = f"http://127.0.0.1:{port}/openapi.json"
    # One that ended before the calls do would leave nothing to be seen but 401s.
    token = (
        f"Authorization: {tokens.good(permissions=PERMISSIONS, exp=int(time.time()) + 2 * LONGEST_SECONDS)}"
    )
    options = [
        "--max-examples",
        str(examples),
        "--phases",
        "coverage,fuzzing",
        "--checks",
        CHECKS,
        "--no-color",
    ]
    done = subprocess.run(  # noqa: S603 - the locked tool, on our own server
        [program, "run", address, "-H", token, *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
