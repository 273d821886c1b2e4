"""A stored record in the contract's shape: OrderRecord."""

from collections.abc import Mapping
from typing import Any, Final

_PRIVATE: Final = frozenset({"_id", "contentDigest", "datesBy", "policyVersion", "sweepRetryAt"})
"""Members that serve the lifecycle and are nobody's business outside (design section 5)."""


def to_api(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as the contract shows it; dates stay datetimes (UTC, milliseconds)."""
    members = {"id": document["_id"], **document}
    for name in _PRIVATE:
        members.pop(name, None)
    return members
