"""A cursor opens only as what was sealed, with the same key, for the same query and sort."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.cursor import MAX_CURSOR_CHARACTERS, BadCursor, SortPosition, open_cursor, seal_cursor
from tests.strategies import INSTANTS, INTEGERS, NUMBERS

KEY, OTHER_KEY = bytes(32), bytes([1]) * 32
BINDING, OTHER_BINDING = b"query and sort", b"another query"
POSITION = SortPosition("CANARY-Müller", "6f1c0b0e-7a51-8c3e-9d41-2b7f6a0c9e55")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(value=st.none() | TEXTS | INTEGERS | NUMBERS | INSTANTS, identifier=TEXTS)
def test_a_cursor_opens_as_what_was_sealed_types_included(value: Any, identifier: str) -> None:
    cursor = seal_cursor(KEY, SortPosition(value, identifier), BINDING)
    opened = open_cursor(KEY, cursor, BINDING)
    assert opened == SortPosition(value, identifier)
    assert isinstance(opened.value, type(value))


def test_a_cursor_is_url_safe_differs_each_time_and_shows_nothing() -> None:
    cursors = {seal_cursor(KEY, POSITION, BINDING) for _ in range(50)}
    assert len(cursors) == 50
    for cursor in cursors:
        assert cursor.replace("-", "").replace("_", "").isalnum()
        assert b"CANARY" not in base64.urlsafe_b64decode(cursor + "==")


def test_the_longest_sort_value_fits() -> None:
    longest = SortPosition("\U0001f600" * 1024, "x" * 36)
    cursor = seal_cursor(KEY, longest, BINDING)
    assert len(cursor) <= MAX_CURSOR_CHARACTERS
    assert open_cursor(KEY, cursor, BINDING) == longest


@pytest.mark.parametrize(("key", "binding"), [(OTHER_KEY, BINDING), (KEY, OTHER_BINDING), (KEY, b"")])
def test_a_cursor_of_another_key_query_or_sort_is_refused(key: bytes, binding: bytes) -> None:
    with pytest.raises(BadCursor):
        open_cursor(key, seal_cursor(KEY, POSITION, BINDING), binding)


def test_a_cursor_cut_short_or_changed_anywhere_is_refused() -> None:
    cursor = seal_cursor(KEY, POSITION, BINDING)
    sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        for forged in (bytes(changed), sealed[:place]):
            with pytest.raises(BadCursor):
                open_cursor(KEY, base64.urlsafe_b64encode(forged).rstrip(b"=").decode(), BINDING)


@pytest.mark.parametrize("forged", ["", "=", "A", "AQ", "nonsense!", "é" * 40, "\0", "A" * 100, "A" * 10**6])
def test_what_was_never_a_cursor_is_refused(forged: str) -> None:
    with pytest.raises(BadCursor):
        open_cursor(KEY, forged, BINDING)


ENCODED = st.binary(max_size=80).map(base64.urlsafe_b64encode).map(bytes.decode)


@given(forged=st.text(max_size=80) | ENCODED)
def test_no_text_is_anything_but_a_cursor_of_ours_or_refused(forged: str) -> None:
    with pytest.raises(BadCursor):
        open_cursor(KEY, forged, BINDING)


def test_the_error_tells_nothing_of_the_cursor() -> None:
    with pytest.raises(BadCursor) as refused:
        open_cursor(KEY, "CANARY", BINDING)
    assert str(refused.value) == "not a cursor of this query and sort"
    assert "CANARY" not in repr(SortPosition("CANARY", datetime.now(UTC).isoformat()))
