"""How many records one sweep transaction takes: as many as go in a second, and fewer after a failure."""

from typing import Final

SLOW_SECONDS: Final = 1.0


class BatchSize:
    """Halves over a second or on a failure, and grows back slowly."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self.now = largest

    def done(self, seconds: float) -> None:
        """A transaction succeeded and took so long."""
        if seconds > SLOW_SECONDS:
            self.failed()
        else:
            self.now = min(self._largest, self.now + max(1, self.now // 4))

    def failed(self) -> None:
        """A transaction failed, or was slow: the next one takes half as many, at least one."""
        self.now = max(1, self.now // 2)
