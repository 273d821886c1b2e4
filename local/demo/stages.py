"""The stages of a life that must not have stayed idle: a check of nothing would prove nothing."""

from typing import Final

from audit.types import RECORD_ANONYMIZED, RECORD_DELETED
from local.demo.figures import Figures
from local.demo.options import DAY_SECONDS, POLICY
from local.demo.stream import Sent
from local.demo.trail import Trail

_CLEANUP_SECONDS: Final = POLICY.retention_time * DAY_SECONDS
_DELETION_SECONDS: Final = _CLEANUP_SECONDS + POLICY.deletion_time_after_retention * DAY_SECONDS
_SWEEP_SECONDS, _DELETE_SLACK_SECONDS = 2, 5


def idle_stages(sent: Sent, figures: Figures, trail: Trail) -> list[str]:
    """The stages that did nothing, though what was sent, and how long ago, asked for it."""
    age = sent.age_seconds
    stages = (
        ("stored", True, figures.stored),
        ("unchanged", sent.duplicates > 0, figures.unchanged),
        ("quarantined", sent.broken > 0, figures.quarantined),
        ("anonymized", age > _CLEANUP_SECONDS + _SWEEP_SECONDS, trail.subjects(RECORD_ANONYMIZED).total()),
        ("deleted", age > _DELETION_SECONDS + _DELETE_SLACK_SECONDS, trail.subjects(RECORD_DELETED).total()),
    )
    return [name for name, wanted, count in stages if wanted and not count]
