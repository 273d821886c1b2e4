"""A trail in memory as the folder that `audit export` makes of one on its topics."""

from pathlib import Path
from typing import Any

from audit.checkpoint_book import told
from audit.verdict import Batch
from cli.audit_writing import Writer
from tests.trails import KEY, NOW, Trail


def exported(trail: Trail, folder: Path, lacks: int | None = None, **facts: Any) -> Path:
    """The folder that an export of this trail makes; it may lack an offset, whose event is not there."""
    folder.mkdir()
    writer = Writer(folder)
    writer.write_keys([KEY])
    writer.write_checkpoints(trail.checkpoints)
    end = trail.first + len(trail.events)
    for at in range(trail.first, end, 4):
        part = trail.events[at - trail.first : at - trail.first + 4]
        times = [int(event.time * 1000) for event in part]
        offsets = [each + (lacks is not None and each >= lacks) for each in range(at, at + len(part))]
        writer.write_events(Batch(offsets, [event.value for event in part], times))
    whole: dict[str, Any] = {
        "log_name": KEY.name,
        "made_at": told(NOW),
        "build": "1.0.0",
        "period_from": None,
    }
    whole |= {"period_to": None, "retention_days": 1460, "topic_first": trail.first, "first": trail.first}
    writer.finish({**whole, "end": end + (lacks is not None), "open_end": True, **facts})
    return folder
