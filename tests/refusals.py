"""What every refusal must keep, and one order in every form; shared by tests of the decoder."""

import traceback
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from audit.event_values import JsonPointer, ReasonCode
from local.samples.forms import SampleEvent, binary, envelope, structured
from records.reasons import Refused
from service.events import IncomingOrder, Skipped, decode
from tests.strategies import CANARY

_POINTER: TypeAdapter[str] = TypeAdapter(JsonPointer)
_REASON: TypeAdapter[str] = TypeAdapter(ReasonCode)


def decoded_or_refused(value: bytes | None, headers: Any) -> IncomingOrder | Skipped | Refused:
    """The decoder's answer; fails where it is none, or where a refusal could not be published or logged."""
    try:
        answer = decode(value, headers)
    except Refused as refused:
        check_refusal(refused)
        return refused
    assert answer == "skipped" or isinstance(answer, IncomingOrder)
    return answer


def check_refusal(refused: Refused) -> None:
    """Reason and pointer fit the audit event, and no text that a log may print holds the sender's words."""
    _REASON.validate_python(str(refused.reason))
    _POINTER.validate_python(refused.pointer)
    assert CANARY not in "".join(traceback.format_exception(refused))


def every_event_form(order: dict[str, Any], at: datetime) -> list[SampleEvent]:
    """The order as structured and binary CloudEvent and in the envelope."""
    return [
        structured(order, event="e-1", at=at),
        binary(order, event="e-1", at=at),
        envelope(order, event="e-1"),
    ]
