"""Sample orders: varied, realistic, within the contract, and the same for the same seed."""

import unicodedata
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any

from local.samples.order_lines import sample_lines
from local.samples.order_money import sample_payments, sample_pricing
from local.samples.people import COMPANIES, DETAILS, REGIONS
from local.samples.till import Till, instant


def order_id(seed: int, number: int) -> str:
    """The ``tenantOrderRecordId`` of a sample order, unique by seed and number."""
    return f"ORD-{seed}-{number:09d}"


def sample_order(seed: int, number: int, *, at: datetime) -> dict[str, Any]:
    """An ``OrderRecordForCreation`` completed at ``at`` (aware), the same for the same arguments.

    Every optional member of the contract occurs in some order of any 500. The caller owns the result.
    """
    rng = Random(f"order/{seed}/{number}")  # noqa: S311  (the same order every time, no secret)
    till = Till(rng, rng.choice(REGIONS), states_decimals=rng.choice((True, True, True, False)))
    lines = sample_lines(till, at)
    pricing, total, tax = sample_pricing(till, sum(line.net for line in lines))
    order: dict[str, Any] = {
        "tenantOrderRecordId": order_id(seed, number),
        "orderRecordDate": instant(at, rng.choice((0, 0, 0, 2, -7))),
        "facilityRef": f"0190d6e8-8c3a-7f1b-9d2e-{rng.randint(1, 40):012d}",
    }
    optional: dict[str, tuple[float, Callable[[], Any]]] = {
        "consumer": (0.88, lambda: _consumer(till)),
        "payments": (0.95, lambda: sample_payments(till, total, tax)),
        "origin": (0.4, lambda: _origin(till)),
        "customAttributes": (0.4, lambda: _custom_attributes(till)),
    }
    order |= {name: make() for name, (probability, make) in optional.items() if till.chance(probability)}
    if pricing:
        order["pricing"] = pricing
    return order | {"lineItems": [line.body for line in lines]}


def _consumer(till: Till) -> dict[str, Any]:
    first, last = till.person()
    number = till.rng.randint(1, 500_000)
    consumer: dict[str, Any] = {"addresses": [_address(till, first, last)]}
    if till.chance(0.15):
        consumer["addresses"].append(_address(till, *till.person()))
    if till.chance(0.9):
        consumer["consumerId"] = f"C-{number}"
    if till.chance(0.85):
        consumer["email"] = f"{_ascii(f'{first}.{last}')}{number}@example.com"
    return consumer


def _address(till: Till, first: str, last: str) -> dict[str, Any]:
    city = till.rng.choice(till.region.cities)
    address = {"firstName": first, "lastName": last, "street": till.rng.choice(till.region.streets)}
    address |= {"postalCode": city.postal_code, "city": city.name, "country": till.region.country}
    if till.chance(0.9):
        address["houseNumber"] = f"{till.rng.randint(1, 180)}{till.rng.choice(('', '', 'a', '-2', ' bis'))}"
    if city.province:
        address["province"] = city.province
    if till.chance(0.1):
        address["companyName"] = till.rng.choice(COMPANIES)
    if till.chance(0.12):
        address["additionalAddressInfo"] = till.rng.choice(DETAILS)
    return address


def _ascii(name: str) -> str:
    """What a mail system makes of a name; nothing is left of some."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(c for c in plain.lower() if c.isalnum() or c == ".").strip(".")


def _origin(till: Till) -> dict[str, Any]:
    origin = {"type": "POS"}
    if till.chance(0.85):
        origin["cashierId"] = f"K{till.rng.randint(1, 400):03d}"
    if till.chance(0.95):
        origin["terminalId"] = f"T{till.rng.randint(1, 12)}"
    return origin


def _custom_attributes(till: Till) -> dict[str, Any] | None:
    """A loyalty card, or what a customer said at the till; the contract allows null."""
    if till.chance(0.04):
        return None
    first, last = till.person()
    if till.chance(0.2):
        return {"note": f"{first} {last} holt ab", "bags": till.rng.randint(0, 3), "tags": ["pickup", first]}
    card = f"L{till.rng.randint(10**7, 10**8)}"
    return {"loyalty": {"card": card, "holder": f"{first} {last}", "points": till.rng.randint(0, 9000) / 10}}
