"""The names of the types are the ones that the models of the events accept."""

from typing import get_args

from audit import types
from audit.events import AuditEvent


def test_every_named_type_has_its_event_and_every_event_its_name() -> None:
    events = get_args(get_args(AuditEvent)[0])
    accepted = [get_args(event.model_fields["type"].annotation) for event in events]
    named = {value for name, value in vars(types).items() if name.isupper()}

    assert sorted(accepted) == sorted((name,) for name in named)
