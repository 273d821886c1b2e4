"""Run beside each child process of ours: when we are gone, however that happened, it kills the child.

A pipe closes with the process that holds it, on every system and also after a SIGKILL. Linux's
PR_SET_PDEATHSIG would need code between fork and exec, which is unsafe with threads, and fires when a mere
thread of ours ends.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    sys.stdin.buffer.read()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(int(sys.argv[1]), signal.SIGKILL)


if __name__ == "__main__":
    main()
