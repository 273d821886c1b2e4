"""What a run of the lifecycle benchmark is asked to do, and whether it can."""

from dataclasses import dataclass
from typing import Final

from runtime.errors import UserError

SIDES: Final = ("bare", "loop", "ttl", "quiet", "ours")
_DISK_BYTES: Final = 8_000
"""For one record of 2.3 kB, compressed: itself before and after, its indexes, its journal."""


@dataclass(frozen=True)
class Options:
    """How many records and rounds, how large a backlog (0: none), ingest beside, which sides (none: all).

    `search`: with the indexes of list and search, as by default.
    """

    records: int
    rounds: int
    backlog: int
    beside: bool
    only: tuple[str, ...]
    search: bool = True

    def sides(self) -> list[str]:
        """The sides of each round, in the order of the first: the relay sends what our sweeps announce."""
        return [name for name in SIDES if not self.only or name in self.only or self._ours(name)]

    def wants(self, name: str) -> bool:
        """Whether something that is no side of its own is to be measured."""
        return not self.only or name in self.only

    def last(self) -> list[str]:
        """What is measured once, in the last round."""
        backlog = ["backlog"] if self.backlog and self.wants("backlog") else []
        return backlog + (["beside"] if self.beside else [])

    def _ours(self, name: str) -> bool:
        return name == "ours" and bool({"relay", "backlog"} & set(self.only))


def require_disk(options: Options, free: int) -> None:
    """Raises UserError when the records would not fit into so many bytes."""
    most = max(options.records, options.backlog if "backlog" in options.last() else 0)
    needed = most * _DISK_BYTES
    if free < needed:
        raise UserError(
            f"{needed / 2**30:.0f} GiB of disk are needed, {free / 2**30:.0f} are free: "
            "let there be fewer records (--records, --backlog)"
        )
