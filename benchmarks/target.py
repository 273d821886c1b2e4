"""A server under load, and the CPU time that it uses."""

from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Target:
    """A server that answers at an address, and its process."""

    address: str
    process: psutil.Process

    @property
    def cpu_seconds(self) -> float:
        """The CPU time that it has used so far, in user and in kernel mode."""
        times = self.process.cpu_times()
        return float(times.user + times.system)
