"""The databases full of records that are due, and the programs that erase them."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pymongo

from benchmarks.lifecycle_acts import READY
from benchmarks.lifecycle_peers import run_ttl
from benchmarks.lifecycle_records import ANONYMIZE_BEFORE, Template, load
from benchmarks.lifecycle_task import Act, Answer, Task, read_answer, written
from benchmarks.meter import Run
from benchmarks.progress import Steps
from local.servers.apache_kafka import ApacheKafka
from local.servers.mongod import Mongod
from local.servers.process import Process
from records.mongo.client import Database, open_database
from records.mongo.indexes import CLEANUP_DUE, build_indexes
from runtime.errors import UserError

_PREPARE_SECONDS: Final = 600.0
"""For what changes a whole collection at once: building its indexes, writing it to disk."""
_ACT_SECONDS: Final = 120.0
_ACT_SECONDS_PER_RECORD: Final = 0.01
_LOOK_SECONDS: Final = 0.02
_GRACE_SECONDS: Final = 15.0
_LONG_AGO: Final = ("anonymize", "bare_update", "naive_loop")
"""What happens while all are past their clean-up date and none past its deletion date."""


class LargeMongod(Mongod):
    """Watches its TTL indexes every second, and has a cache of so many gigabytes (tests make do with 0.5)."""

    cache_gigabytes = 2.0

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._parameters |= {"ttlMonitorSleepSecs": "1"}

    def _command(self) -> list[str]:
        command = super()._command()
        command[command.index("--wiredTigerCacheSizeGB") + 1] = str(self.cache_gigabytes)
        return command


@dataclass(frozen=True, repr=False)
class Sides:
    """What all sides share: the servers, and the records that are copied into each database."""

    folder: Path
    mongod: Mongod
    kafka: ApacheKafka | None
    made: Sequence[Template]
    steps: Steps
    search: bool = True

    @asynccontextmanager
    async def loaded(self, records: int) -> AsyncIterator[Database]:
        """A new database of so many records that are due, and our indexes; dropped after the block."""
        name = f"bench_{secrets.token_hex(4)}"
        async with open_database(self.mongod.uri, name) as database:
            await load(self.mongod.uri, name, self.made, records, self.steps)
            self.steps.begin("building the indexes")
            with pymongo.timeout(_PREPARE_SECONDS):
                await build_indexes(database, search=self.search)
            yield database
            with pymongo.timeout(_PREPARE_SECONDS):
                await database.client.drop_database(name)

    async def run(self, act: Act, database: Database, records: int, *, trail: bool = True) -> Run:
        """An act as a program, on so many. Raises UserError when it fails or leaves something undone."""
        answer = await self.answer(act, database, records, trail=trail)
        await _require_done(act, database)
        if act in {"anonymize", "delete"}:
            await _require_announced(database, trail=trail)
        assert answer.run is not None  # noqa: S101 - for the type checker: only an ingest has none
        return answer.run

    async def ttl(self, database: Database, records: int) -> Run:
        """MongoDB's own deletion of so many."""
        await self._settle(database)
        assert self.mongod.pid is not None  # noqa: S101 - for the type checker: it runs
        return await run_ttl(database, self.mongod.pid, records)

    async def answer(self, act: Act, database: Database, records: int, *, trail: bool = True) -> Answer:
        """What the program answers to an act. Raises UserError when it fails or takes too long."""
        await self._settle(database)
        async with self._program(act, database, records, trail=trail) as (process, file):
            return await _ended(process, file, _ACT_SECONDS + records * _ACT_SECONDS_PER_RECORD)

    async def ingest(self, database: Database, records: int) -> Answer:
        """So many new records through the one way in."""
        return await self.answer("ingest", database, records)

    async def beside_ingest(self, database: Database, records: int, most: int) -> tuple[Answer, Answer]:
        """A sweep of so many while new records come in, at most so many; the sweep's answer first."""
        await self._settle(database)
        async with self._program("ingest", database, most) as (ingest, file):
            await _appears(ingest, file.with_name(READY))
            swept = await self.answer("anonymize", database, records)
            if ingest.exit_code() is not None:
                raise UserError(f"the ingest ended before the sweep did: {ingest.last_lines()}")
            await ingest.end(grace_seconds=_GRACE_SECONDS)
            return swept, await _ended(ingest, file, _GRACE_SECONDS)

    @asynccontextmanager
    async def _program(
        self, act: Act, database: Database, records: int, *, trail: bool = True
    ) -> AsyncIterator[tuple[Process, Path]]:
        folder = self.folder / f"{act}-{secrets.token_hex(4)}"
        folder.mkdir()
        task = self._task(act, database, records, folder / "answer", trail=trail)
        words = ["-m", "benchmarks.lifecycle_program", written(task).decode()]
        process = Process([sys.executable, *words], folder / "log")
        try:
            yield process, folder / "answer"
        finally:
            await process.end(kill=True)

    def _task(self, act: Act, database: Database, records: int, answer: Path, *, trail: bool) -> Task:
        name, now = str(database.records.database.name), datetime.now(UTC)
        assert self.mongod.pid is not None  # noqa: S101 - for the type checker: it runs
        return Task(
            act=act,
            uri=self.mongod.uri,
            database=name,
            mongod=self.mongod.pid,
            records=records,
            cutoff=now - ANONYMIZE_BEFORE if act in _LONG_AGO else now,
            answer=str(answer),
            trail=trail,
            kafka=self.kafka.bootstrap if self.kafka else "",
            audit_topic=f"audit-{name}",
        )

    async def _settle(self, database: Database) -> None:
        """What was done before is written to disk, or the next run would pay for it."""
        with pymongo.timeout(_PREPARE_SECONDS):
            await database.client.admin.command("fsync")


async def _require_done(act: Act, database: Database) -> None:
    """Raises UserError when an act has left something: its rate would say nothing."""
    if act in {"anonymize", "bare_update"}:
        with pymongo.timeout(_PREPARE_SECONDS):
            left = await database.records.count_documents({"anonymized": False}, hint=CLEANUP_DUE)
    elif act in {"delete", "bare_delete"}:
        left = await database.records.estimated_document_count()
    else:
        left = await database.outbox.estimated_document_count() if act == "relay" else 0
    if left:
        raise UserError(f"{act} left {left:,}")


async def _require_announced(database: Database, *, trail: bool) -> None:
    """Raises UserError when sweeps announced nothing, or something without a trail."""
    if bool(await database.outbox.estimated_document_count()) is not trail:
        raise UserError(
            "sweeps did not announce what they did" if trail else "sweeps announced what they did"
        )


async def _ended(process: Process, answer: Path, seconds: float) -> Answer:
    if not await process.wait(seconds):
        raise UserError(f"a program has not ended within {seconds:.0f} s: {process.last_lines()}")
    if process.exit_code() != 0:
        raise UserError(process.last_lines())
    return read_answer(await asyncio.to_thread(answer.read_bytes))


async def _appears(process: Process, file: Path) -> None:
    """Raises UserError when it does not within two minutes."""
    try:
        async with asyncio.timeout(_ACT_SECONDS):
            while not await asyncio.to_thread(file.exists):
                if process.exit_code() is not None:
                    raise UserError(process.last_lines())
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        raise UserError(f"a program did not get ready: {process.last_lines()}") from None
