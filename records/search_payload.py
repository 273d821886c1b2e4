"""A search as clients send it: the contract's OrderRecordSearchPayload."""

from typing import Annotated, Final, Required

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from records.cursor import MAX_CURSOR_CHARACTERS
from records.scalars import CLOSED, WHOLE
from records.search_query import SearchQuery
from records.search_sort import OneSortKey

MAX_PAGE: Final = 250

_PageSize = Annotated[int, Field(ge=1, le=MAX_PAGE), WHOLE]
_Cursor = Annotated[str, Field(max_length=MAX_CURSOR_CHARACTERS)]


@CLOSED
class SearchOptions(TypedDict, total=False):
    """What the answer should hold besides the page."""

    withTotal: Annotated[
        bool, Field(description="Whether to count all that match. False by default, since counting costs.")
    ]


@CLOSED
class SearchPayload(TypedDict, total=False):
    """What to find, in which order, and which page of it.

    Forwards: `size`, and `after` from the second page on. Backwards: `last`, and `before`. The two ways
    do not mix.
    """

    query: Required[Annotated[SearchQuery, Field(description="What a record has to satisfy.")]]
    after: Annotated[
        _Cursor,
        Field(description="The page after this one: its `endCursor`. Serves the same query and sort only."),
    ]
    before: Annotated[
        _Cursor,
        Field(
            description="The page before this one: its `startCursor`. Serves the same query and sort only."
        ),
    ]
    last: Annotated[_PageSize, Field(description="How many records at most, read backwards. 20 by default.")]
    options: Annotated[SearchOptions, Field(description="What else to answer.")]
    size: Annotated[_PageSize, Field(description="How many records at most, read forwards. 20 by default.")]
    sort: Annotated[
        list[OneSortKey],
        Field(
            min_length=1, max_length=1, description="One sort. Without it records come in order of their ids."
        ),
    ]
    startAfterId: Annotated[
        str,
        Field(
            max_length=1024,
            deprecated=True,
            description="The records after this id, in the order of ids alone. `after` takes its place.",
        ),
    ]


SEARCH_PAYLOAD: Final = TypeAdapter(SearchPayload)
