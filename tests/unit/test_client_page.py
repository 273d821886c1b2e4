"""The tables of the clients' page say what the code does."""

import re
from pathlib import Path
from typing import Final

import pytest

from records.mongo.page_bytes import MAX_PAGE_BYTES
from records.mongo.read_deadline import READ_SECONDS
from records.payload import MAX_ORDER_BYTES
from records.policy import MAX_POLICY_DAYS
from records.search import DEFAULT_PAGE, MAX_LEAVES, MAX_LEVELS, MAX_SEARCH_BYTES
from records.search_payload import MAX_PAGE
from service.api.auth import MAX_TOKEN_CHARACTERS
from service.api.errors import SUMMARIES
from service.api.limits import KIB, MIB, Limits
from service.api.records import DEFAULT_LIST, MAX_LIST, MAX_OPERATIONS
from tests.api_app import ENDPOINTS

PAGE: Final = (Path(__file__).parents[2] / "docs" / "client.md").read_text(encoding="utf-8")
LIMITS: Final = Limits()
FIELDS: Final = f"{LIMITS.header_fields}, together {LIMITS.header_bytes // KIB} KiB"


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text: str) -> dict[str, list[str]]:
    """The cells of a table by its first."""
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {first: rest for first, *rest in cells}


@pytest.mark.parametrize(("method", "path", "permission"), ENDPOINTS)
def test_every_endpoint_is_listed_with_its_permission(method: str, path: str, permission: str) -> None:
    assert rows(PAGE.split("\n## ")[0])[f"`{method} {path}`"][0] == f"`{permission}`"


@pytest.mark.parametrize(
    ("what", "limit"),
    [
        ("orders in a PUT", f"{MAX_OPERATIONS}"),
        ("one order", f"{MAX_ORDER_BYTES // MIB} MiB"),
        ("a body; of a search", f"{LIMITS.body_bytes // MIB} MiB; {MAX_SEARCH_BYTES // MIB} MiB"),
        (
            f"bodies over {LIMITS.large_body_bytes // MIB} MiB at once, in one process",
            f"{LIMITS.large_bodies}, others wait {LIMITS.large_wait_seconds:g} seconds",
        ),
        ("time for a body to arrive", f"{LIMITS.body_seconds:g} seconds"),
        ("time for an answer; for a query", f"{LIMITS.answer_seconds:g} seconds; {READ_SECONDS:g} seconds"),
        ("requests at once, in one process", f"{LIMITS.requests}"),
        (
            "address; header fields",
            f"{LIMITS.url_bytes // KIB} KiB; {FIELDS}",
        ),
        ("token", f"{MAX_TOKEN_CHARACTERS:,} characters"),
        ("nesting of a body", f"{LIMITS.nesting} levels"),
        ("page of the list; of a search", f"{MAX_LIST}; {MAX_PAGE}"),
        ("all records of a page, as stored", f"{MAX_PAGE_BYTES // MIB} MiB"),
        ("conditions of a search; `and` and `or` nested", f"{MAX_LEAVES}; {MAX_LEVELS} levels"),
        ("days of the policy", f"1 to {MAX_POLICY_DAYS:,}"),
    ],
)
def test_a_limit_is_the_codes(what: str, limit: str) -> None:
    assert rows(section("Limits"))[what][0] == limit


def test_the_default_pages_are_the_codes() -> None:
    assert f"`size` (1 to {MAX_LIST}, {DEFAULT_LIST} by default)" in section("List orders")
    assert f"backward, {DEFAULT_PAGE} by default" in section("Search")


def test_every_status_of_an_error_is_explained() -> None:
    explained = {int(status) for cell in rows(section("Errors")) for status in re.findall(r"\d+", cell)}

    assert explained == {*SUMMARIES, 409}
