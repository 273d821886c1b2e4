"""What the OpenAPI document says of each operation: answers, bodies, examples."""

from typing import Any, Final

from pydantic import TypeAdapter

from records.search_payload import SEARCH_PAYLOAD
from service.api import schemas
from service.api.errors import SUMMARIES

_REF: Final = "#/components/schemas/{model}"


def _answers(model: Any, *statuses: int) -> dict[int | str, dict[str, Any]]:
    answers: dict[int | str, dict[str, Any]] = {200: {"model": model}}
    for status in (401, 403, *statuses, 414, 431, 503):
        answers[status] = {"model": schemas.ApiError, "description": SUMMARIES.get(status, "Conflict")}
    return answers


DOCUMENTED: Final[dict[str, dict[str, Any]]] = {
    "list": {
        "summary": "List order records",
        "description": "Records in ascending order of their ids, as a reader may see them now.",
        "responses": _answers(schemas.OrderRecords, 400),
    },
    "put": {
        "summary": "Store up to 25 order records",
        "description": "Each order is judged alone and stored at most once; the answers keep the request's "
        "order. Repeating it changes nothing for orders that have a tenantOrderRecordId, and with the same "
        "Idempotency-Key for all of them.",
        "responses": _answers(schemas.BulkResponse, 400, 408, 413, 415),
    },
    "search": {
        "summary": "Search order records",
        "description": "Filters, one sort, and pages by cursor in both directions.",
        "responses": _answers(schemas.SearchResult, 400, 408, 413, 415),
    },
    "get": {
        "summary": "Get one order record",
        "description": "The record as a reader may see it now: without the person after its clean-up date.",
        "responses": _answers(schemas.OrderRecord, 404),
    },
    "configuration": {"responses": _answers(schemas.OrderRecordsConfiguration)},
    "change configuration": {
        "responses": {
            **_answers(schemas.OrderRecordsConfiguration, 400, 408, 409, 413, 415),
            201: {"model": schemas.OrderRecordsConfiguration},
        }
    },
    "policy": {"responses": _answers(schemas.GdprConfiguration)},
    "change policy": {"responses": _answers(schemas.GdprConfiguration, 400, 408, 409, 413, 415)},
    "lifecycle": {"responses": _answers(schemas.Lifecycle)},
}


def _body(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    schema = adapter.json_schema(ref_template=_REF)
    schema.pop("$defs", None)
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


BODY: Final[dict[str, dict[str, Any]]] = {
    "put": _body(TypeAdapter(schemas.BulkOperations)),
    "search": _body(SEARCH_PAYLOAD),
    "configuration": _body(TypeAdapter(schemas.OrderRecordsConfigurationInput)),
    "policy": _body(TypeAdapter(schemas.GdprConfigurationInput)),
}


def definitions() -> dict[str, Any]:
    """The schemas that request bodies refer to; FastAPI adds those of the answers."""
    found: dict[str, Any] = {}
    for adapter in (TypeAdapter(schemas.BulkOperations), SEARCH_PAYLOAD):
        found |= adapter.json_schema(ref_template=_REF).get("$defs", {})
    return found
