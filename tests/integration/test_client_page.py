"""The examples of the clients' page are run, from top to bottom, against a real `serve`."""

import asyncio
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from local.demo.children import child
from local.servers.process import HOST, free_port
from tests import tokens
from tests.api_app import ALL, own_database

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE: Final = (Path(__file__).parents[2] / "docs" / "client.md").read_text(encoding="utf-8")
MISSING: Final = [name for name in ("bash", "curl", "jq") if shutil.which(name) is None]
AUTH: Final = {
    "ORDER_RECORDS_AUTH__ISSUER": tokens.ISSUER,
    "ORDER_RECORDS_AUTH__AUDIENCE": tokens.AUDIENCE,
    "ORDER_RECORDS_AUTH__HS256_SECRET": tokens.SECRET,
}


def blocks(language: str, *short_pages: tuple[str, str]) -> str:
    """The page's blocks of a language, one after the other; with short pages, that the loops go round."""
    script = "\n\n".join(re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
    for long, short in short_pages:
        assert long in script
        script = script.replace(long, short)
    return script


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Where `serve` listens, with a database of its own."""
    async with own_database(mongo_uri) as database:
        port = free_port()
        environ = {
            **os.environ,
            **AUTH,
            "ORDER_RECORDS_MONGO__URI": mongo_uri,
            "ORDER_RECORDS_MONGO__DATABASE": database.records.database.name,
            "ORDER_RECORDS_SECRETS__ID_KEY": "b25seSBmb3IgdGVzdHMsIDMyIGJ5dGVzIG9mIGl0Li4=",
            "ORDER_RECORDS_API__PORT": str(port),
        }
        async with child("serve", environ, tmp_path_factory.mktemp("serve")) as serve:
            await serve.ready()
            yield f"http://{HOST}:{port}"


async def test_the_python_of_the_page_does_what_the_page_says(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API", address)
    monkeypatch.setenv("TOKEN", tokens.good(permissions=list(ALL)).removeprefix("Bearer "))
    script = tmp_path / "page.py"
    short = (('"size": 500', '"size": 7'), ("size=250", "size=9"), ("last=250", "last=9"))
    script.write_text(blocks("python", *short), encoding="utf-8")

    done: dict[str, Any] = await asyncio.to_thread(runpy.run_path, str(script))

    done["api"].close()
    assert [number for number, _ in done["refused"]] == ["PYTHON-7"]
    assert len(done["stored"]) == 61
    assert done["record"] == done["stored"][0]
    assert done["answer"].json()["summary"] == {"created": 0, "updated": 0, "unchanged": 1}
    assert [record["facilityRef"] for record in done["in_store_1"]] == ["store-1"] * 20
    assert len(done["found"]) == done["found_in_all"] == 61
    assert done["found_backward"] == done["found"][::-1]
    dates = [record["orderRecordDate"] for record in done["found"]]
    assert dates == sorted(dates, reverse=True)
    assert done["configuration"]["isOrderRecordsEnabled"]
    assert done["policy"]["retentionTime"] == 60
    assert done["overdue"] == 0
    assert set(done["lifecycle"]) >= {"now", "anonymize", "delete", "quarantine"}
    assert done["wrong"].status_code == 400
    assert [fault.split(":")[0] for fault in done["faults"](done["wrong"])] == ["/query/origin/*", "/size"]


@pytest.mark.skipif(bool(MISSING), reason=f"not on this machine: {', '.join(MISSING)}")
async def test_the_calls_by_curl_on_the_page_do_what_the_page_says(address: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    script = f"set -eo pipefail\n{blocks('sh', ('size=100', 'size=1'))}"

    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-c", script],
        env={**os.environ, **AUTH, "API": address, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"lastName":"Nygård"' in done.stdout
    lines = done.stdout.splitlines()
    assert sorted(line.split("\t")[-1] for line in lines if "\t" in line) == ["CURL-1", "CURL-2"]
    assert lines.count("1") == 2, "the total of the list and of the search"
    assert len([line for line in lines if re.fullmatch(r'"[0-9a-f-]{36}"', line)]) == 1, "the page before"
    assert '"isOrderRecordsEnabled":true' in done.stdout
    assert '"retentionTime":30' in done.stdout
