"""The till at which one sample order is rung up: its randomness, its country, its way to write money."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

from local.samples.people import Region


@dataclass(frozen=True, slots=True)
class Till:
    """What all parts of one order share; ``states_decimals`` is a habit of the publisher."""

    rng: Random
    region: Region
    states_decimals: bool

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def money(self, value: int) -> dict[str, Any]:
        """A monetary value of the contract; ``value`` in minor units."""
        money: dict[str, Any] = {"value": value, "currency": self.region.currency}
        if self.states_decimals:
            money["decimalPlaces"] = self.region.decimals
        return money

    def minor_units(self, euro_cents: int) -> int:
        """A price in the minor units of this till's currency."""
        scale: int = 10**self.region.decimals
        return max(1, round(euro_cents / 100 * self.region.per_euro * scale))

    def person(self) -> tuple[str, str]:
        """First and last name."""
        return self.rng.choice(self.region.first_names), self.rng.choice(self.region.last_names)

    def tax_on(self, value: int) -> int:
        """Tax on a net value, both in minor units."""
        return share(value, self.region.tax_basis_points)


def share(value: int, basis_points: int) -> int:
    """So many hundredths of a percent of a value, rounded half up."""
    return (value * basis_points * 2 + 10_000) // 20_000


def instant(at: datetime, offset_hours: int = 0) -> str:
    """RFC 3339 in milliseconds: ``Z`` for UTC, else the offset in hours."""
    local = at.astimezone(timezone(timedelta(hours=offset_hours)) if offset_hours else UTC)
    return local.isoformat(timespec="milliseconds").replace("+00:00", "Z")
