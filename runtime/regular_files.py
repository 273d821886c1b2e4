"""Reading files that others have made: regular ones only, and no more of one than it may have."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path) -> BinaryIO:
    """The file, to be read. Raises OSError, also for anything else: a pipe, say, would be waited for."""
    opened = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 (the caller closes it)
    if stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
        return opened
    opened.close()
    raise OSError(errno.EINVAL, "it is no regular file")


def read_bounded(path: Path, most: int) -> bytes:
    """All of a regular file. Raises OSError, also where it has more bytes than `most`."""
    with open_regular(path) as opened:
        content = opened.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, "it is too large")
    return content


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
