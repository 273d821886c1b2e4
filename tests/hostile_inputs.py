"""What others can put where the trail is read: on a topic, into a folder, into a file. Add a line to try one.

Each input is one that would do harm to a reader that trusts it: a number no database takes, a day that no
calendar has, a pipe that is never written to, a file without an end.
"""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from audit.checkpoint_book import CheckpointRecord
from cli.audit_folder import CHECKPOINTS, MANIFEST
from tests.trails import NOW, Trail

GIGABYTE: Final = 1 << 30
_21_DIGITS: Final = 10**20


def _event(kind: str) -> bytes:
    """One event of a type, as the templates make it."""
    trail = Trail()
    match kind:
        case "erased":
            trail.erase(2, 1)
        case "quarantined":
            trail.quarantine(1)
        case "attested":
            trail.attest(NOW, 2)
        case "policy":
            trail.tell("policy.changed", None, [[30, 180, True, "ab" * 16]])
        case "reapplied":
            trail.reapply(2)
    return trail.events[0].value or b""


def _changed(kind: str, pattern: bytes, put: bytes) -> bytes:
    changed, count = re.subn(pattern, put, _event(kind), count=1)
    assert count == 1, pattern
    return changed


def _numbered(kind: str, name: str, number: int) -> bytes:
    return _changed(kind, rb'"%b":-?\d+' % name.encode(), b'"%b":%d' % (name.encode(), number))


def _timed(kind: str, name: str, time: str) -> bytes:
    return _changed(kind, rb'"%b":"[^"]*"' % name.encode(), b'"%b":"%b"' % (name.encode(), time.encode()))


EVENTS: Final[dict[str, bytes | None]] = {
    "nothing": None,
    "empty": b"",
    "no-json": b"{",
    "deep": b"[" * 100_000,
    "deep-members": b'{"data":' * 100_000,
    "no-utf-8": b'{"type":"\xff"}',
    "half-a-surrogate-pair": b'{"type":"\\ud800"}',
    "not-a-number": b'{"id":NaN}',
    "5000-digits": b'{"id":' + b"9" * 5_000 + b"}",
    "dot-in-version": _changed("erased", rb'"1\.0"', b'"1\xff0"'),
    "a-long-list": b'{"type":"order-records.record.deleted.v1","data":[' + b"0," * 100_000 + b"0]}",
    "longer-than-any": _changed("erased", rb'"1\.0\.0"', b'"%b"' % (b"1" * 100_000)),
    "offset-of-21-digits": _numbered("quarantined", "offset", _21_DIGITS),
    "offset-2-63": _numbered("quarantined", "offset", 2**63),
    "partition-2-31": _numbered("quarantined", "partition", 2**31),
    "n-of-21-digits": _numbered("erased", "n", _21_DIGITS),
    "n-2-53": _numbered("erased", "n", 2**53),
    "position-2-63": _numbered("erased", "position", 2**63),
    "size-of-21-digits": _numbered("erased", "size", _21_DIGITS),
    "version-of-21-digits": _numbered("erased", "versionBefore", _21_DIGITS),
    "policy-version-2-64": _numbered("erased", "policyVersion", 2**64),
    "policy-of-a-million-days": _numbered("policy", "retentionTime", 1_000_000),
    "last-n-of-21-digits": _numbered("reapplied", "lastN", _21_DIGITS),
    "kept-for-21-digits-of-days": _numbered("attested", "auditRetentionDays", _21_DIGITS),
    "attested-in-month-13": _timed("attested", "until", "2026-13-45T99:99:99.999Z"),
    "erased-in-month-13": _timed("erased", "time", "2026-13-45T99:99:99.999Z"),
    "erased-on-30-february": _timed("erased", "due", "2026-02-30T00:00:00.000Z"),
    "erased-on-29-february-of-no-leap-year": _timed("erased", "due", "2100-02-29T00:00:00.000Z"),
    "erased-in-the-year-0": _timed("erased", "time", "0000-01-01T00:00:00.000Z"),
    "erased-in-a-leap-second": _timed("erased", "time", "2026-01-01T23:59:60.000Z"),
}
"""Values of the audit topic that are no events, and are named as such."""

LATEST: Final = _timed("erased", "time", "9999-12-31T23:59:59.999Z")
"""An event of the last day that there is: nothing can be added to it."""


def _with(**members: object) -> Callable[[Path], None]:
    """Puts other members into the manifest."""

    def change(folder: Path) -> None:
        path = folder / MANIFEST
        path.write_text(json.dumps({**json.loads(path.read_text()), **members}))

    return change


def _replaced(name: str, put: Callable[[Path], None]) -> Callable[[Path], None]:
    """Puts something in the place of the file whose name begins so."""

    def change(folder: Path) -> None:
        [path] = folder.glob(f"{name}*")
        path.unlink()
        put(path)

    return change


def _text(pattern: str, put: str) -> Callable[[Path], None]:
    """Changes the first record in the file of checkpoints."""

    def change(folder: Path) -> None:
        path = folder / CHECKPOINTS
        changed, count = re.subn(pattern, put, path.read_text(), count=1)
        assert count == 1, pattern
        path.write_text(changed)

    return change


def _named_often(folder: Path) -> None:
    """A manifest that names one file a thousand times."""
    files = json.loads((folder / MANIFEST).read_text())["files"]
    _with(files=[each for each in files for _ in range(1_000)])(folder)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    """A gigabyte that takes no space."""
    with path.open("wb") as opened:
        opened.truncate(GIGABYTE)


def folder(path: Path) -> None:
    path.mkdir()


def _content(content: bytes) -> Callable[[Path], None]:
    def put(path: Path) -> None:
        path.write_bytes(content)

    return put


FILES: Final[dict[str, Callable[[Path], None]]] = {
    "pipe": pipe,
    "endless": endless,
    "huge": huge,
    "folder": folder,
    "empty": _content(b""),
    "junk": _content(bytes(range(256))),
    "deep": _content(b"[" * 100_000),
    "a-note-without-end": _content(b"order-records\n1\n" + b"A" * (1 << 20)),
    "many-signatures": _content(b"a\n1\nAA==\n\n" + "— a AAAAAAAA\n".encode() * 5_000),
}
"""What can stand where a file is expected: a checkpoint, a state, keys, a proof."""

FOLDERS: Final[dict[str, Callable[[Path], None]]] = {
    **{f"manifest-{name}": _replaced(MANIFEST, put) for name, put in FILES.items()},
    **{f"events-{name}": _replaced("events-", put) for name, put in FILES.items()},
    **{f"checkpoints-{name}": _replaced(CHECKPOINTS, put) for name, put in FILES.items()},
    "made-in-month-13": _with(madeAt="2026-13-45T00:00:00.000Z"),
    "kept-for-400-digits-of-days": _with(retentionDays=10**400),
    "end-of-300-digits": _with(end=10**300),
    "end-2-63": _with(end=2**63),
    "begin-after-the-end": _with(first=2**62, topicFirst=2**62),
    "no-files": _with(files=[]),
    "a-file-elsewhere": _with(files=[{"name": "../x", "sha256": "0" * 64, "bytes": 0, "records": 0}]),
    "a-file-named-often": _named_often,
    "many-members": _with(**{f"x{each}": 0 for each in range(50_000)}),
    "deep-checkpoint": _replaced(CHECKPOINTS, _content(b"[" * 100_000 + b"\n")),
    "endless-offset": _text(r'"offset":0', '"offset":1e999'),
    "offset-of-300-digits": _text(r'"offset":0', f'"offset":{10**300}'),
    "offset-below-0": _text(r'"offset":0', '"offset":-1'),
    "offset-that-is-none": _text(r'"offset":0', '"offset":true'),
    "headers-that-are-none": _text(r'"headers":\[.*?\]\]', '"headers":{"a":1}'),
    "half-a-surrogate-pair": _text(r'"note":"', r'"note":"\\ud800'),
    "lines-without-a-value": _replaced("events-", _content(b"0\n" * 100_000)),
    "times-of-21-digits": _replaced("events-", _content(b"0 100000000000000000000 {}\n")),
    "offsets-of-19-nines": _replaced("events-", _content(b"9999999999999999999 0 {}\n")),
    "only-line-breaks": _replaced("events-", _content(b"\n" * (1 << 21))),
}
"""What can be done to an exported folder."""

CHECKPOINT_VALUES: Final[dict[str, bytes | None]] = {
    "nothing": None,
    "empty": b"",
    "junk": bytes(range(256)),
    "half-a-note": b"order-records\n",
    "size-of-300-digits": b"order-records\n" + b"9" * 300 + b"\nAAAA\n\n" + "— a AAAAAAAA\n".encode(),
    "size-of-19-nines": b"order-records\n9999999999999999999\nAAAA\n\n" + "— a AAAAAAAA\n".encode(),
    "too-long": b"order-records\n1\n" + b"A" * (1 << 20),
    "many-signatures": b"a\n1\nAA==\n\n" + "— a AAAAAAAA\n".encode() * 5_000,
}


def with_junk(trail: Trail, value: bytes | None) -> Trail:
    """The trail with a hostile record among its checkpoints; the headers are hostile as well."""
    headers = [("compact-range", None), ("compact-range", bytes(1 << 16)), ("x", None)]
    records = [*trail.checkpoints, CheckpointRecord(0, value, headers), trail.checkpoints[-1]]
    return Trail(
        trail.events,
        [CheckpointRecord(offset, each.value, each.headers) for offset, each in enumerate(records)],
    )
