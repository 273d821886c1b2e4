"""Order records: list, get, search and put."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic_core import from_json

from records.mongo.configuration import order_records_enabled
from records.mongo.reads import ListRequest, get_record, list_records
from records.mongo.search import search_records
from records.search import parse_search
from records.search_faults import SearchFaults
from service.api.answers import answer
from service.api.auth import Permission
from service.api.bulk import put_orders
from service.api.context import ApiContext
from service.api.errors import Fault, RequestFault, invalid
from service.api.parameters import IN_DIGITS, check_names

MAX_OPERATIONS: Final = 25
MAX_LIST, DEFAULT_LIST = 500, 25
LIST_PARAMETERS: Final = ("facilityRef", "size", "startAfterId", "tenantOrderRecordId")
_DISABLED: Final = Fault(
    "Your user, although recognized, is not authorized to use this endpoint",
    "order records are disabled: PUT /api/configurations/orderrecords enables them",
)


Name = Annotated[str | None, Query(max_length=1024)]
Size = Annotated[int, Query(ge=1, le=MAX_LIST), IN_DIGITS]


def records_router(api: ApiContext) -> APIRouter:
    """The routes below /api/orderrecords."""
    router = APIRouter(prefix="/api/orderrecords", tags=["Order records"])

    @router.get("", operation_id="listOrderRecords")
    async def list_all(
        request: Request,
        startAfterId: Name = None,  # noqa: N803 - the contract's name
        size: Size = DEFAULT_LIST,
        facilityRef: Name = None,  # noqa: N803
        tenantOrderRecordId: Name = None,  # noqa: N803
    ) -> Response:
        api.authorize(request, Permission.ORDER_RECORD_READ)
        check_names(request.query_params, LIST_PARAMETERS)
        wanted = ListRequest(size, startAfterId, facilityRef, tenantOrderRecordId)
        now = await api.clock.latest()
        found = await list_records(api.database, wanted, api.keys.identity, now, indexed=api.indexed)
        return answer({"orderRecords": found.records, "total": found.total})

    @router.put("", operation_id="bulkCreateOrderRecords")
    async def put(
        request: Request, idempotency_key: Annotated[str | None, Header(min_length=1, max_length=256)] = None
    ) -> Response:
        api.authorize(request, Permission.ORDER_RECORD_WRITE)
        if len(request.headers.getlist("idempotency-key")) > 1:
            raise RequestFault(400, [invalid("should be there once", "/header/idempotency-key")])
        operations = _operations(await request.body())
        if not await order_records_enabled(api.database):
            raise RequestFault(403, [_DISABLED])
        rules, now = await api.rules(), await api.clock.now()
        return answer(await put_orders(api.database, operations, idempotency_key, rules, now))

    @router.post("/search", operation_id="searchOrderRecord")
    async def search(request: Request) -> Response:
        api.authorize(request, Permission.ORDER_RECORD_READ)
        return answer(await _search(api, await request.body()))

    @router.get("/{orderRecordId}", operation_id="getOrderRecord")
    async def get(
        request: Request,
        orderRecordId: Annotated[str, Path(max_length=1024)],  # noqa: N803
    ) -> Response:
        api.authorize(request, Permission.ORDER_RECORD_READ)
        record = await get_record(api.database, orderRecordId, await api.clock.latest())
        if record is None:
            raise RequestFault(404)
        return answer(record)

    return router


async def _search(api: ApiContext, body: bytes) -> dict[str, Any]:
    try:
        wanted, now = parse_search(body), await api.clock.latest()
        page = await search_records(api.database, wanted, api.search_keys, now, indexed=api.indexed)
    except SearchFaults as error:
        raise RequestFault(400, [invalid(problem, path) for path, problem in error.faults]) from None
    result: dict[str, Any] = {
        "orderRecords": page.records,
        "pageInfo": {
            "hasNextPage": page.has_next_page,
            "hasPreviousPage": page.has_previous_page,
            "startCursor": page.start_cursor,
            "endCursor": page.end_cursor,
        },
    }
    return result if page.total is None else {**result, "total": page.total}


def _operations(body: bytes) -> list[Any]:
    """The operations of a PUT; only what is wrong with the whole is a fault of the request (api rule 33)."""
    try:
        content = from_json(body, allow_inf_nan=True)
    except ValueError:
        raise RequestFault(400, [invalid("the body is not valid JSON")]) from None
    operations = content.get("operations") if isinstance(content, dict) else None
    if not isinstance(operations, list):
        raise RequestFault(400, [invalid("should be a list of operations", "/operations")])
    if not 1 <= len(operations) <= MAX_OPERATIONS:
        raise RequestFault(400, [invalid(f"should hold 1 to {MAX_OPERATIONS} operations", "/operations")])
    return operations
