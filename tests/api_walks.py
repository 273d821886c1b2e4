"""Pages of lists and searches: what each has to hold, and what all of a walk together have to hold.

A page is foretold exactly: the rows on one side of the edge of the page before it. A walk from one end to
the other is held to what a client relies on: whatever was there all the time came once, in order.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import strategies as st

from tests.api_model import ApiModel, shown
from tests.search_answers import Place, place
from tests.search_calls import sort_of
from tests.search_model import FIELDS, QUERIES, SORTS, WORDS

Json = dict[str, Any]

ERASED_SORTS: Final = {
    *("origin.cashierId", "payments.paymentMethod", "payments.transactionId"),
    *(
        f"consumer.addresses.{name}"
        for name in ("city", "companyName", "firstName", "lastName", "postalCode")
    ),
}
KEPT_SORTS: Final = frozenset([None, *SORTS]) - ERASED_SORTS
"""By these a record stays where it is for as long as it is there, so a walk is complete across a sweep."""
_PAGES: Final = 2000


@dataclass(frozen=True)
class Asked:
    """What a search is for, and in which order; without a path, by id."""

    query: Json
    path: str | None = None
    descending: bool = False

    def body(self, **members: Any) -> Json:
        return {"query": self.query, **sort_of(self.path, "DESC" if self.descending else "ASC"), **members}

    def comes_after(self, one: Place, other: Place) -> bool:
        return one < other if self.descending else one > other

    def found(self, model: ApiModel) -> list[tuple[Place, Json]]:
        """What is found now, in order."""
        records = {place(r, self.path, descending=self.descending): r for r in model.found(self.query)}
        return sorted(records.items(), key=lambda each: each[0], reverse=self.descending)


_PERSONAL: Final[list[Json]] = [
    {"anonymized": {"eq": False}},
    {"consumer": {"consumerId": {"in": WORDS}}},
    {"consumer": {"addresses": {"contains": {"lastName": {"in": WORDS}}}}},
    {"origin": {"cashierId": {"in": WORDS}}},
    {"payments": {"contains": {"transactionId": {"in": WORDS}}}},
]
"""Each finds what still has a person, and nothing that should have none any more."""


@st.composite
def searches(draw: st.DrawFn) -> Asked:
    """Searches for everything, for persons, for anything; half of them sorted along an index."""
    query = draw(st.just({}) | st.sampled_from(_PERSONAL) | FIELDS | QUERIES)
    path = draw(st.none() | st.just("orderRecordDate") | st.sampled_from(SORTS))
    return Asked(query, path, descending=path is not None and draw(st.booleans()))


@dataclass(frozen=True)
class Page:
    """What a page has to hold, what lies on both sides of it, and the ids of all that is found, in order."""

    places: list[Place]
    records: list[Json]
    has_next: bool
    has_previous: bool
    found: list[str]

    def check_listed(self, answer: Json) -> None:
        assert answer == {"orderRecords": self.records, "total": len(self.found)}

    def check_found(self, answer: Json, *, with_total: bool) -> None:
        assert answer["orderRecords"] == self.records
        sides = answer["pageInfo"]["hasPreviousPage"], answer["pageInfo"]["hasNextPage"]
        assert sides == (self.has_previous, self.has_next)
        assert answer.get("total") == (len(self.found) if with_total else None)


def foretold(model: ApiModel, asked: Asked, edge: Place | None, size: int, *, forward: bool) -> Page:
    """The page beyond an edge (from the end without one), whatever became of the record that was there."""
    found = asked.found(model)
    if edge is None:
        beyond = found
    else:
        beyond = [e for e in found if asked.comes_after(*((e[0], edge) if forward else (edge, e[0])))]
    rows = beyond[:size] if forward else beyond[-size:]
    places, ids = [each for each, _ in rows], [each[-1] for each, _ in found]
    if rows:
        has_next, has_previous = places[-1] != found[-1][0], places[0] != found[0][0]
    else:  # then all there is lies behind
        has_next, has_previous = bool(found) and not forward, bool(found) and forward
    return Page(places, [shown(record) for _, record in rows], has_next, has_previous, ids)


@dataclass
class _Seen:
    """What came, and which of the records found then were there all the time since."""

    ids: list[str]
    steady: set[str] | None  # None: it did not begin at an end


@dataclass
class Walk:
    """A client that turns pages to and fro, and holds the service to what it has seen."""

    asked: Asked
    cursors: tuple[str, str] = ("", "")
    forward: bool = True
    at_end: bool = False
    _edges: tuple[Place, Place] | None = None
    # All pages since the last turn as they came, and the last page in the order of the result.
    _run: _Seen = field(default_factory=lambda: _Seen([], None))
    _page: _Seen = field(default_factory=lambda: _Seen([], None))
    _ends: tuple[bool, bool] = (False, False)

    def edge(self, *, forward: bool) -> Place | None:
        """Where the next page begins; None as long as no page had any rows."""
        return self._edges[forward] if self._edges else None

    def direction(self, how: str) -> bool:
        """Whether the next turn is forward: on (and back from the end), back, or on whatever comes."""
        return self.forward is not (how == "back" or (how == "on" and self.at_end))

    def request(self, size: int, *, forward: bool, with_total: bool) -> Json:
        """The search for the next page in a direction."""
        cursor = {"after" if forward else "before": self.cursors[forward]} if self._edges else {}
        options = {"options": {"withTotal": True}} if with_total else {}
        return self.asked.body(**{"size" if forward else "last": size}, **cursor, **options)

    def take(self, page: Page, *, forward: bool, info: Json | None = None) -> None:
        """Notes a page that was as foretold. At an end, all that was there all the time has been seen."""
        ids, here = [each[-1] for each in page.places], set(page.found)
        if self._edges is None:
            self._run = _Seen([], here)
        elif forward is not self.forward:
            steady = self._page.steady if self._ends[not forward] else None
            self._run = _Seen(_as_met(self._page.ids, forward=forward), steady)
        self.forward = forward
        self._run.ids.extend(_as_met(ids, forward=forward))
        if page.places:
            self._edges = page.places[0], page.places[-1]
            self.cursors = (info["startCursor"], info["endCursor"]) if info else self.cursors
            self._page, self._ends = _Seen(ids, here), (not page.has_previous, not page.has_next)
        self.at_end = not (page.has_next if forward else page.has_previous)
        if self.at_end:
            self._check_all_seen(page.found)

    def _check_all_seen(self, found: list[str]) -> None:
        seen, steady = self._run.ids, self._run.steady
        if self.asked.path not in KEPT_SORTS:
            return
        assert len(seen) == len(set(seen))
        if steady is not None:
            expected = [i for i in _as_met(found, forward=self.forward) if i in steady]
            assert [i for i in seen if i in steady] == expected

    def time_passed(self, model: ApiModel) -> None:
        """Forgets those that are not there any more: they need not come."""
        here = {each["_id"] for each in model.found(self.asked.query)}
        for seen in (self._run, self._page):
            seen.steady = None if seen.steady is None else seen.steady & here


def _as_met(ids: list[str], *, forward: bool) -> list[str]:
    """The ids of a result as a walk in a direction comes upon them."""
    return ids[:: 1 if forward else -1]


async def whole_walk(
    search: Callable[[Json], Awaitable[Json]], asked: Asked, size: int, *, forward: bool
) -> list[str]:
    """The ids of all pages from one end to the other, in the order of the result."""
    ids: list[str] = []
    cursor: Json = {}
    for _ in range(_PAGES):
        answer = await search(asked.body(**{"size" if forward else "last": size}, **cursor))
        page = [record["id"] for record in answer["orderRecords"]]
        ids = ids + page if forward else page + ids
        info = answer["pageInfo"]
        if not info["hasNextPage" if forward else "hasPreviousPage"]:
            return ids
        cursor = {"after": info["endCursor"]} if forward else {"before": info["startCursor"]}
    raise AssertionError(f"more than {_PAGES} pages")
