"""The health port."""

import asyncio
import http.client
import socket
import time

import pytest

from runtime.errors import UserError
from runtime.health import Health


def ask(health: Health, path: str, method: str = "GET") -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", health.port, timeout=5)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], response.read().decode()
    finally:
        connection.close()


async def status(health: Health, path: str, method: str = "GET") -> tuple[int, str]:
    code, _, body = await asyncio.to_thread(ask, health, path, method)
    return code, body.strip()


async def test_a_process_is_live_from_the_start_and_ready_when_all_its_reasons_are_true() -> None:
    async with Health("127.0.0.1", 0) as health:
        assert await status(health, "/livez") == (200, "ok")
        assert await status(health, "/readyz") == (503, "starting")

        health.ready("database", True)
        health.ready("group", "not joined")
        assert await status(health, "/readyz") == (503, "group: not joined")

        health.ready("group", True)
        assert await status(health, "/readyz?verbose") == (200, "ok")


async def test_the_port_answers_not_live_while_the_event_loop_is_blocked() -> None:
    async with Health("127.0.0.1", 0, stall_seconds=0.3) as health:
        time.sleep(0.6)  # noqa: ASYNC251 (blocking the loop is the fault under test)

        assert ask(health, "/livez")[0] == 503


async def test_a_loop_that_moves_again_is_live_again() -> None:
    async with Health("127.0.0.1", 0, stall_seconds=0.3) as health:
        time.sleep(0.6)  # noqa: ASYNC251
        health.beat()

        assert await status(health, "/livez") == (200, "ok")


async def test_a_live_check_that_does_not_hold_or_fails_is_named_without_the_text_of_its_error() -> None:
    def broken() -> bool:
        raise RuntimeError("canary-7f3a")

    async with Health("127.0.0.1", 0) as health:
        health.live_check("consumer", lambda: "stuck for 90 s")
        health.live_check("relay", broken)
        health.live_check("sweep", lambda: True)

        code, body = await status(health, "/livez")

    assert (code, body) == (503, "consumer: stuck for 90 s; relay: failed with RuntimeError")


async def test_metrics_are_prometheus_text() -> None:
    async with Health("127.0.0.1", 0) as health:
        code, content_type, body = await asyncio.to_thread(ask, health, "/metrics")

    assert code == 200
    assert content_type.startswith("text/plain")
    assert "# TYPE order_records_leader gauge" in body


async def test_other_paths_are_not_found_and_head_sends_no_body() -> None:
    async with Health("127.0.0.1", 0) as health:
        assert (await status(health, "/"))[0] == 404
        assert await status(health, "/livez", "HEAD") == (200, "")
        assert (await status(health, "/livez", "POST"))[0] == 501


async def test_a_port_in_use_is_an_error_that_names_the_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        health = Health("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(UserError, match="ORDER_RECORDS_HEALTH__PORT"):
            await health.__aenter__()


async def test_the_port_is_free_again_after_the_block() -> None:
    async with Health("127.0.0.1", 0) as health:
        port = health.port

    async with Health("127.0.0.1", port) as again:
        assert again.port == port
