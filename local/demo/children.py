"""The real processes of the demo, each with a health port of its own."""

import asyncio
import http.client
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from local.servers.process import HOST, Process, free_port
from runtime.environment import variable
from runtime.errors import UserError

_READY_SECONDS: Final = 60.0
_ANSWER_SECONDS: Final = 2.0
_GRACE_SECONDS: Final = 6.0


@dataclass
class Child:
    """One process of the demo."""

    verb: str
    process: Process
    port: int

    async def figures(self) -> dict[str, float]:
        """Its metrics by name, with the value of a single label behind a colon; empty while it is silent."""
        try:
            text = await asyncio.to_thread(_get, self.port, "metrics")
        except OSError:
            return {}
        samples = (s for family in text_string_to_metric_families(text) for s in family.samples)
        return {":".join((s.name, *s.labels.values())): s.value for s in samples}

    def fault(self) -> str | None:
        """What ended it, when it has ended."""
        code = self.process.exit_code()
        return None if code is None else f"`{self.verb}` ended ({code}): {self.process.last_lines()}"

    async def ready(self) -> None:
        """Returns once it is ready. Raises UserError when it ends instead, or takes a minute."""
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.exit_code() is not None:
                break
            try:
                await asyncio.to_thread(_get, self.port, "readyz")
            except OSError:
                await asyncio.sleep(0.2)
            else:
                return
        raise UserError(f"`{self.verb}` is not ready: {self.process.last_lines()}")


@asynccontextmanager
async def child(
    verb: str, environ: Mapping[str, str], folder: Path, grace_seconds: float = _GRACE_SECONDS
) -> AsyncIterator[Child]:
    """The verb as a process, ended with the block, at once if that fails; its log is in the folder."""
    port = free_port()
    env = {**environ, variable("health", "port"): str(port), variable("health", "host"): HOST}
    process = Process([sys.executable, "-m", "cli.main", verb], folder / f"{verb}.log", env)
    try:
        yield Child(verb, process, port)
    except BaseException:  # of what failed or was broken off nothing is worth a wait
        await process.end(kill=True)
        raise
    finally:
        await process.end(grace_seconds=grace_seconds)


async def end_together(children: Sequence[Child], grace_seconds: float) -> None:
    """Ends all at once, so that their last seconds are the same ones."""
    await asyncio.gather(*(each.process.end(grace_seconds=grace_seconds) for each in children))


def _get(port: int, path: str) -> str:
    """Raises OSError without a whole answer."""
    url = f"http://{HOST}:{port}/{path}"
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS) as answer:
            text: str = answer.read().decode()
            return text
    except (
        http.client.HTTPException
    ) as error:  # killed within its answer; http.client has no OSError for that
        raise ConnectionError(f"half an answer from port {port}") from error
