"""What a verification needs of an event: for erasures by one pattern, for the others by the closed models.

The pattern needs a tenth of the models' time. It takes only what the models take, and only in canonical form
(tests/unit/test_quick_facts.py); what it does not take is left to them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson
from pydantic import TypeAdapter, ValidationError

from audit.events import Attested, AuditEvent
from audit.templates import canonical
from audit.types import RECORD_ANONYMIZED, RECORD_DELETED

_SCHEMA: Final = TypeAdapter[Any](AuditEvent)
_UUID: Final = rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_TIME: Final = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
_FROM_0: Final = rb"(?:0|[1-9][0-9]{0,17})"
_FROM_1: Final = rb"[1-9][0-9]{0,17}"
_FROM_2: Final = rb"(?:[2-9]|[1-9][0-9]{1,17})"

Raw = tuple[bytes, bytes, bytes, bytes]
"""An erasure's n, position, size and id."""
Match = Callable[[bytes], "re.Match[bytes] | None"]


@dataclass(frozen=True)
class Facts:
    """An event's id and type, its n, position and size if it has them, and what it attests."""

    id: bytes
    type: str
    sequence: tuple[int, int, int] | None
    attested: Attested | None = None


class NotAnEvent(ValueError):
    """Why a value is no event of the trail; never quotes it."""


def erasure_pattern(kind: str, log_name: str) -> Match:
    """Matches the values of one of both types of erased records, as they are written; groups as Raw."""
    action, version = {
        RECORD_ANONYMIZED: (b"ANONYMIZE", b'"versionAfter":' + _FROM_2),
        RECORD_DELETED: (b"DELETE", b'"versionBefore":' + _FROM_0),
    }[kind]
    source = re.escape(orjson.dumps(f"/{log_name}"))
    return re.compile(
        rb'\{"data":\{"action":"' + action + rb'","due":"' + _TIME + rb'",'
        rb'"flags":\[(?:"NEVER_ANONYMIZED")?\],"policyDigest":"sha256:[0-9a-f]{64}",'
        rb'"policyVersion":' + _FROM_0 + rb',"recordId":"(?P<record>' + _UUID + rb')",'
        rb'"sequence":\{"n":(?P<n>' + _FROM_1 + rb'),"position":(?P<position>' + _FROM_0 + rb"),"
        rb'"size":(?P<size>' + _FROM_1 + rb')\},"template":1,' + version + rb","
        rb'"worker":\{"build":"[0-9A-Za-z.+_-]{1,64}"\}\},"datacontenttype":"application/json",'
        rb'"id":"(?P<id>' + _UUID + rb')","source":' + source + rb',"specversion":"1.0",'
        rb'"subject":"(?P=record)","time":"' + _TIME + rb'","type":"' + re.escape(kind.encode()) + rb'"\}'
    ).fullmatch


def model_facts(value: bytes | None, log_name: str) -> Facts:
    """The facts of any event, by its model. Raises NotAnEvent."""
    try:
        event = _SCHEMA.validate_json(value or b"")
    except ValidationError:
        raise NotAnEvent("does not keep the schema of an audit event") from None
    if event.source != f"/{log_name}":
        raise NotAnEvent("is an event of another trail")
    if canonical(event.model_dump(by_alias=True)) != value:
        raise NotAnEvent("is not in canonical form")
    if getattr(event.data, "record_id", event.subject) != event.subject:
        raise NotAnEvent("has another subject than its record")
    given = getattr(event.data, "sequence", None)
    sequence = None if given is None else (given.n, given.position, given.size)
    attested = event.data if isinstance(event.data, Attested) else None
    return Facts(event.id.encode(), event.type, sequence, attested)
