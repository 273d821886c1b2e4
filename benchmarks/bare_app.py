"""What the API is measured against: the same answers by the least code, with none of the promises.

No token is looked at; nothing is validated, masked, hidden or bounded; a repeated PUT stores twice.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import orjson
import uvicorn
from fastapi import FastAPI, Request, Response
from pymongo import AsyncMongoClient

URI: Final = "BARE_URI"
DATABASE: Final = "BARE_DATABASE"
PORT: Final = "BARE_PORT"
_PRIVATE: Final = ("contentDigest", "datesBy", "policyVersion")

Document = dict[str, Any]


def create_app(uri: str, database: str) -> FastAPI:
    """The four routes, on the same driver and the same collection as ours."""
    app = FastAPI()
    records = AsyncMongoClient[Document](uri, tz_aware=True)[database]["records"]

    @app.get("/api/orderrecords/{identifier}")
    async def get(identifier: str) -> Response:
        record = await records.find_one({"_id": identifier})
        return Response(status_code=404) if record is None else _answer(_shown(record))

    @app.get("/api/orderrecords")
    async def list_all(size: int = 25, startAfterId: str = "") -> Response:  # noqa: N803 - the contract's name
        found = records.find({"_id": {"$gt": startAfterId}}).sort("_id").limit(size)
        total = await records.estimated_document_count()
        return _answer({"orderRecords": [_shown(each) async for each in found], "total": total})

    @app.post("/api/orderrecords/search")
    async def search(request: Request) -> Response:
        wanted = orjson.loads(await request.body())
        consumer = wanted["query"].get("consumer")
        query = {} if consumer is None else {"consumer.consumerId": consumer["consumerId"]["eq"]}
        found = records.find(query).sort([("orderRecordDate", -1), ("_id", -1)]).limit(wanted["size"])
        return _answer({"orderRecords": [_shown(each) async for each in found]})

    @app.put("/api/orderrecords")
    async def put(request: Request) -> Response:
        documents = [_new(order) for order in orjson.loads(await request.body())["operations"]]
        await records.insert_many(documents)
        details = [{"status": "CREATED", "orderRecord": _shown(each)} for each in documents]
        return _answer({"summary": {"created": len(details)}, "details": details})

    return app


def _shown(record: Document) -> Document:
    record["id"] = record.pop("_id")
    for name in _PRIVATE:
        record.pop(name, None)
    return record


def _new(order: Document) -> Document:
    now = datetime.now(UTC)
    dates = {"gdprCleanupDate": now + timedelta(days=30), "deletionDate": now + timedelta(days=210)}
    return {"_id": str(uuid4()), "version": 1, "created": now, "anonymized": False, **order, **dates}


def _answer(content: Document) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")


def main() -> None:
    """Serves on loopback until SIGTERM, with the parser and the loop of `serve`, and without a log."""
    uvicorn.run(
        create_app(os.environ[URI], os.environ[DATABASE]),
        port=int(os.environ[PORT]),
        http="httptools",
        loop="uvloop",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
