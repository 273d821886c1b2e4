"""A real MongoDB on this machine: a one-node replica set, since a lone server takes no transactions."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Self

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

from local.servers.mongod_binary import MongodBinary, find_mongod
from local.servers.process import HOST, listens
from local.servers.server import Server

REPLICA_SET: Final = "rs0"
_PROBE_MILLISECONDS: Final = 2000
_ALREADY_INITIATED: Final = 23

PARAMETERS: Final[Mapping[str, str]] = {
    # A client killed inside a transaction blocks others that write the same document until this ends it; the
    # server's own figure is a minute.
    "transactionLifetimeLimitSeconds": "15",
    # Time for a primary to hand over to others before it ends: there are no others.
    "shutdownTimeoutMillisForSignaledShutdown": "100",
    "diagnosticDataCollectionEnabled": "false",
}


class Mongod(Server):
    """A one-node replica set `rs0` on 127.0.0.1. `uri` holds neither user nor password."""

    name: ClassVar[str] = "mongod"
    ready_seconds: ClassVar[float] = 60.0

    def __init__(
        self, folder: Path, port: int | None, binary: MongodBinary, parameters: Mapping[str, str]
    ) -> None:
        super().__init__(folder, port)
        self._binary = binary
        self._parameters = {**PARAMETERS, **parameters}
        self._data = folder / "data"
        self._data.mkdir(exist_ok=True)

    @classmethod
    async def start(
        cls, folder: Path, *, port: int | None = None, parameters: Mapping[str, str] | None = None
    ) -> Self:
        """Starts one and waits until it is a writable primary.

        `folder` takes data and log, and may hold the data of an earlier run; `parameters` are server
        parameters (`--setParameter`). Raises UserError when there is no mongod or it does not get ready.
        """
        binary = await asyncio.to_thread(find_mongod)
        server = cls(folder, port, binary, parameters or {})
        await server.launch()
        return server

    @property
    def uri(self) -> str:
        return f"mongodb://{HOST}:{self.port}/?replicaSet={REPLICA_SET}"

    @property
    def source(self) -> str:
        return (
            f"MongoDB {self._binary.version}, a one-node replica set on {HOST}:{self.port}"
            f" (mongod {self._binary.origin})"
        )

    def _command(self) -> list[str]:
        options = {
            "dbpath": str(self._data),
            "port": str(self.port),
            "bind_ip": HOST,
            "replSet": REPLICA_SET,
            "oplogSize": "512",
            "wiredTigerCacheSizeGB": "0.5",
            "slowms": "5000",  # a slow query is logged with its values
            # Else 300 MB of empty journal are laid out at each first start.
            "wiredTigerEngineConfigString": "log=(prealloc=false,file_max=16MB)",
        }
        command = [str(self._binary.path), "--quiet", "--nounixsocket"]
        command += [word for name, value in options.items() for word in (f"--{name}", value)]
        for name, value in self._parameters.items():
            command += ["--setParameter", f"{name}={value}"]
        return command

    async def _is_ready(self) -> bool:
        return await is_primary(self.port)


async def is_primary(port: int) -> bool:
    """Whether the mongod on that port of 127.0.0.1 is a writable primary; first makes it a replica set.

    One bounded look: False also when nobody answers. A set made on another port is moved to this one.
    """
    if not await listens(HOST, port):
        return False
    client = AsyncMongoClient[dict[str, Any]](
        HOST, port, directConnection=True, timeoutMS=_PROBE_MILLISECONDS
    )
    async with client:
        try:
            hello = await client.admin.command("hello")
            if hello.get("isreplicaset"):  # a member of no set that it knows
                await _make_set(client, f"{HOST}:{port}")
        except PyMongoError:
            return False
        return bool(hello.get("isWritablePrimary"))


async def _make_set(client: AsyncMongoClient[dict[str, Any]], address: str) -> None:
    config = {
        "_id": REPLICA_SET,
        "members": [{"_id": 0, "host": address}],
        "settings": {"electionTimeoutMillis": 1000},
    }
    try:
        await client.admin.command("replSetInitiate", config)
    except OperationFailure as failure:
        if failure.code != _ALREADY_INITIATED:
            raise
        await _move_set(client, address)


async def _move_set(client: AsyncMongoClient[dict[str, Any]], address: str) -> None:
    config = (await client.admin.command("replSetGetConfig"))["config"]
    if config["members"][0]["host"] == address:
        return  # it is still reading its configuration
    config["members"][0]["host"] = address
    config["version"] += 1
    await client.admin.command("replSetReconfig", config, force=True)
