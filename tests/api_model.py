"""What the API has to answer, said once more: every order that was ever sent, and the time.

Knows of no sweep: what is due is seen as done, so a sweep changes no answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from tests.api_orders import BROKEN
from tests.search_answers import matches, seen
from tests.search_model import NOW

Json = dict[str, Any]
Name = tuple[str, ...]

START: Final = NOW.replace(microsecond=123_000)
POLICY_DAY: Final = timedelta(hours=1)
"""How long the service takes a day of the policy to be, so that no walk has to wait for months."""
_UNTIL_CLEANUP, _UNTIL_DELETION = 30 * POLICY_DAY, 180 * POLICY_DAY
_DATES: Final[tuple[str, ...]] = ("orderRecordDate", "gdprCleanupDate", "deletionDate")


@dataclass
class _Entry:
    content: Json
    cleanup: datetime
    document: Json | None = None  # none of an order that nobody ever saw: it was born past its deletion


@dataclass
class ApiModel:
    """Every order that was taken, by its name, and the time (UTC)."""

    now: datetime = START
    _entries: dict[Name, _Entry] = field(default_factory=dict)
    _seen: list[Json] = field(default_factory=list)
    _seen_at: tuple[datetime, int] = (START, 0)

    def check_put(self, operations: list[Any], key: str | None, answer: Json) -> None:
        """Judges each operation, learns the ids of what is new, and compares the answer."""
        judged = zip(operations, answer["details"], strict=True)
        statuses = [self._check(place, *each, key) for place, each in enumerate(judged)]
        counts = {status.lower(): statuses.count(status) for status in ("CREATED", "UNCHANGED")}
        assert answer["summary"] == {**counts, "updated": 0}

    def _check(self, place: int, operation: Any, detail: Json, key: str | None) -> str:
        status, entry = self._judge(operation, self._name(place, operation, key), detail)
        assert detail["status"] == status
        if entry is None:
            assert (detail["error"]["type"], "orderRecord" in detail) == ("VALIDATION", False)
        else:
            assert detail == {"status": status, **self._shown(entry)}
        return status

    def _name(self, place: int, operation: Any, key: str | None) -> Name:
        if isinstance(operation, dict) and "tenantOrderRecordId" in operation:
            return ("order", operation["tenantOrderRecordId"])
        return ("request", key, str(place)) if key else ("nothing", str(len(self._entries)))

    def _judge(
        self, operation: Any, name: Name, detail: Json
    ) -> tuple[Literal["CREATED", "UNCHANGED", "FAILED"], _Entry | None]:
        content = None if operation in BROKEN else _content(operation)
        dates = None if content is None else self._dates(content)
        if content is None or dates is None:
            return "FAILED", None
        known = self._entries.get(name)
        if known is None:
            self._entries[name] = self._born(content, dates, detail.get("orderRecord"))
            return "CREATED", self._entries[name]
        # Due to lose its person, it has lost what it could be compared by (design section 5).
        if known.cleanup <= self.now or known.content == content:
            return "UNCHANGED", known
        return "FAILED", None

    def _dates(self, content: Json) -> tuple[datetime, datetime] | None:
        """The sender's dates, each computed from the other where one is missing; else the policy's."""
        cleanup, deletion = content.get("gdprCleanupDate"), content.get("deletionDate")
        if cleanup is None:
            cleanup = deletion - _UNTIL_DELETION if deletion else self.now + _UNTIL_CLEANUP
        deletion = deletion or cleanup + _UNTIL_DELETION
        return (cleanup, deletion) if cleanup <= deletion else None

    def _born(self, content: Json, dates: tuple[datetime, datetime], answered: Json | None) -> _Entry:
        """A new order as stored. What only the service knows is taken from its answer: ids and totals."""
        cleanup, deletion = dates
        if deletion <= self.now:
            return _Entry(content, cleanup)
        assert answered is not None
        assert answered["id"] not in {document["_id"] for document in self.documents()}
        lines = zip(content["lineItems"], answered["lineItems"], strict=True)
        document: Json = {
            **content,
            **{name: answered[name] for name in ("pricing",) if name in answered},
            "_id": answered["id"],
            "version": 1,
            "created": self.now,
            "lastModified": self.now,
            "anonymized": False,
            "gdprCleanupDate": cleanup,
            "deletionDate": deletion,
            "lineItems": [{**line, "id": stored["id"]} for line, stored in lines],
        }
        return _Entry(content, cleanup, document)

    def _shown(self, entry: _Entry) -> Json:
        """The record of an entry as PUT answers it; none past its deletion date."""
        found = seen([entry.document] if entry.document else [], self.now)
        return {"orderRecord": shown(found[0])} if found else {}

    def documents(self) -> Iterator[Json]:
        """All that was ever stored and seen, as at its creation."""
        return (entry.document for entry in self._entries.values() if entry.document)

    def found(self, query: Json) -> list[Json]:
        """The records that a query finds now, as clients see them, in the stored form."""
        moment = self.now, len(self._entries)
        if moment != self._seen_at:
            self._seen_at, self._seen = moment, seen(self.documents(), self.now)
        return [each for each in self._seen if matches(query, each, self.now)]

    def not_due(self, date: str) -> set[str]:
        """The ids of records before a date of theirs."""
        return {document["_id"] for document in self.documents() if document[date] > self.now}

    def dates_ahead(self) -> list[datetime]:
        """When something comes due, soonest first."""
        dates = {each[date] for each in self.documents() for date in ("gdprCleanupDate", "deletionDate")}
        return sorted(at for at in dates if at > self.now)


def shown(document: Json) -> Json:
    """A record in the contract's shape, as JSON."""
    return {"id" if name == "_id" else name: _written(value) for name, value in document.items()}


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def _content(operation: Json) -> Json:
    """What an order says, however it says it: dates are instants, and null attributes are none."""
    given = {name: datetime.fromisoformat(operation[name]) for name in _DATES if name in operation}
    dates = {name: instant.astimezone(UTC) for name, instant in given.items()}
    content: Json = {**operation, **dates}
    return {name: value for name, value in content.items() if value is not None}
