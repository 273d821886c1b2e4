"""A corpus of texts, sent wherever the API takes a text; what each came to, and what MongoDB was asked."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar
from urllib.parse import quote

import httpx
from structlog.testing import capture_logs

from records.mongo.client import Document
from tests.api_app import client_of, context, own_database, put
from tests.full_orders import Json, full_order
from tests.profiler import profiled
from tests.search_calls import sort_of
from tests.search_model import SORTS

T = TypeVar("T")
Found = tuple[str, "Page"]

_MAX_PAGES: Final = 20

FILTERS: Final[tuple[Callable[[Json], Json], ...]] = (
    lambda asked: {"facilityRef": asked},
    lambda asked: {"tenantOrderRecordId": asked},
    lambda asked: {"consumer": {"consumerId": asked}},
    lambda asked: {"consumer": {"addresses": {"contains": {"lastName": asked}}}},
    lambda asked: {"consumer": {"addresses": {"contains": {"companyName": asked}}}},
    lambda asked: {"lineItems": {"contains": {"article": {"tenantArticleId": asked}}}},
    lambda asked: {"origin": {"cashierId": asked}},
    lambda asked: {"origin": {"terminalId": asked}},
    lambda asked: {"payments": {"contains": {"receiptNumber": asked}}},
    lambda asked: {"payments": {"contains": {"transactionId": asked}}},
)
_NOT_BY_TEXT: Final = (
    *("orderRecordDate", "lineItems.quantity", "pricing.total.priceBreakdownTotal"),
    *("origin.type", "payments.status"),
)
BY_TEXT: Final = [path for path in SORTS if path not in _NOT_BY_TEXT]
"""The sorts by a free text."""


class Page(NamedTuple):
    """The ids of a page, and how many records match in all."""

    ids: list[str]
    total: int


@dataclass
class Asked:
    """What a corpus came to: the record of each text, what was found by it, and what MongoDB was asked."""

    records: dict[str, Json] = field(default_factory=dict)
    found: dict[tuple[str, str], Page] = field(default_factory=dict)
    pages: dict[str, list[str]] = field(default_factory=dict)
    commands: list[Document] = field(default_factory=list)

    def ids(self, texts: Sequence[str]) -> list[str]:
        return sorted(self.records[text]["id"] for text in texts)


async def everywhere(uri: str, corpus: Sequence[str]) -> Asked:
    """Each text in every free text of an order, and then in every filter, parameter, sort and cursor."""
    asked = Asked()
    async with (
        own_database(uri) as database,
        client_of(context(database)) as client,
        profiled(database) as asked.commands,
    ):
        with capture_logs():  # thousands of lines
            for part in chunks(corpus, 25):
                details = (await put(client, *map(full_order, part)))["details"]
                asked.records |= {t: detail["orderRecord"] for t, detail in zip(part, details, strict=True)}
                asked.found |= {(how, part[0]): page async for how, page in _looked_up_together(client, part)}
            for text in corpus:
                asked.found |= {(how, text): page async for how, page in _looked_up(client, text)}
            asked.pages = {path: await _walked(client, path) for path in BY_TEXT}
    return asked


async def _looked_up(client: httpx.AsyncClient, text: str) -> AsyncIterator[Found]:
    exactly, other = ([make({operator: text}) for make in FILTERS] for operator in ("eq", "notEq"))
    yield "any filter", await _search(client, {"or": exactly})
    yield "all filters", await _search(client, {"and": exactly})
    yield "any notEq", await _search(client, {"or": other}, size=1)
    yield "all notEq", await _search(client, {"and": other}, size=1)
    yield "search startAfterId", await _search(client, {}, size=1, startAfterId=text)
    for name in ("facilityRef", "tenantOrderRecordId", "startAfterId"):
        answered = await client.get(f"/api/orderrecords?size=3&{name}={quote(text, safe='')}")
        yield name, _page(answered)


async def _looked_up_together(client: httpx.AsyncClient, part: Sequence[str]) -> AsyncIterator[Found]:
    """Asked right after these were stored: those beside them are the ones stored before."""
    among, beside = ([make({operator: list(part)}) for make in FILTERS] for operator in ("in", "notIn"))
    yield "any in", await _search(client, {"or": among})
    yield "all in", await _search(client, {"and": among})
    yield "any notIn", await _search(client, {"or": beside}, size=1)
    yield "all notIn", await _search(client, {"and": beside}, size=1)


async def _walked(client: httpx.AsyncClient, path: str) -> list[str]:
    """All pages of a search by this sort; their cursors hold the texts."""
    found, cursor = list[str](), dict[str, str]()
    for _ in range(_MAX_PAGES):
        asked = {"query": {}, "size": 17, **sort_of(path, "ASC"), **cursor}
        answered = await client.post("/api/orderrecords/search", json=asked)
        found += _page(answered).ids
        if not answered.json()["pageInfo"]["hasNextPage"]:
            return found
        cursor = {"after": answered.json()["pageInfo"]["endCursor"]}
    raise AssertionError(f"more than {_MAX_PAGES} pages by {path}")


async def _search(client: httpx.AsyncClient, query: Json, size: int = 50, **members: str) -> Page:
    asked = {"query": query, "size": size, "options": {"withTotal": True}, **members}
    return _page(await client.post("/api/orderrecords/search", json=asked))


def _page(answered: httpx.Response) -> Page:
    assert answered.status_code == 200, answered.text
    found = answered.json()
    return Page([record["id"] for record in found["orderRecords"]], found.get("total", -1))


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
