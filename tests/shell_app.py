"""A tiny app within the API's outer shell, run as a process of its own: `python -m tests.shell_app [JSON]`.

The JSON object shortens limits: {"limits": {...}, "connections": {...}, "grace_seconds": N}. The bound port
and the health port are the first lines of stdout.
"""

import asyncio
import json
import os
import sys
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel

from records.mongo.errors import StoreUnavailable
from runtime.health import Health
from runtime.process import run
from runtime.settings import Settings, load_settings
from service.api.errors import Fault, RequestFault, install_error_handlers
from service.api.limits import Limits, anyone
from service.api.protocol import ConnectionLimits
from service.api.server import serve_app, shell

CANARY = "canary-7f3a"
included = APIRouter(prefix="/api")


class Person(BaseModel):
    age: int
    name: str


@included.get("/items/{item_id}")
async def item(item_id: str) -> dict[str, str]:
    return {"id": item_id}


@included.put("/items")
async def put_items(request: Request) -> dict[str, int]:
    return {"members": len(orjson.loads(await request.body()))}


@included.post("/people")
async def person(person: Person) -> dict[str, int]:
    return {"age": person.age}


async def hang() -> None:
    await asyncio.sleep(60)


async def fail() -> None:
    raise ValueError(CANARY, {"name": CANARY})


async def away() -> None:
    raise StoreUnavailable("deadline exceeded")


async def late() -> None:
    raise TimeoutError(CANARY)


async def conflict() -> None:
    raise RequestFault(409, [Fault("stale", "you are late", request_version=41, version=42)])


async def nap() -> dict[str, bool]:
    await asyncio.sleep(1)
    return {"rested": True}


async def large() -> Response:
    return Response(bytes(64 * 2**20))


def build() -> FastAPI:
    app = FastAPI(redirect_slashes=False)
    app.include_router(included)
    for endpoint in (hang, fail, away, late, conflict, nap, large):
        app.add_api_route(f"/{endpoint.__name__}", endpoint, response_model=None)
    install_error_handlers(app, anyone)
    return app


def tell(*ports: int) -> None:
    os.write(1, "".join(f"{port}\n" for port in ports).encode())


def serve(options: dict[str, Any]) -> None:
    async def main(settings: Settings, health: Health, stopping: asyncio.Event) -> None:
        await serve_app(
            shell(build(), Limits(**options.get("limits", {}))),
            settings.api.host,
            settings.api.port,
            stopping,
            listening=lambda port: tell(port, health.port),
            connections=ConnectionLimits(**options.get("connections", {})),
            grace_seconds=options.get("grace_seconds", 12),
        )

    environment = {"ORDER_RECORDS_HEALTH__PORT": "0", "ORDER_RECORDS_API__PORT": str(options.get("port", 0))}
    run("serve", load_settings(environment), main)


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {})
