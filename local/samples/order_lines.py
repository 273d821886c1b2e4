"""Line items of sample orders: articles, their price attributes, and what customers had written on them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from local.samples.goods import ENGRAVINGS, GOODS, Good
from local.samples.till import Till, instant, share

_LINE_COUNTS = (*range(1, 9), 12, 20)
_LINE_WEIGHTS = (44, 26, 12, 7, 4, 2, 1, 1, 2, 1)


@dataclass(frozen=True, slots=True)
class Line:
    """A line item of the contract and its net price (after discount, before tax) in minor units."""

    body: dict[str, Any]
    net: int


def sample_lines(till: Till, at: datetime) -> list[Line]:
    """1 to 20 lines, mostly few."""
    count = till.rng.choices(_LINE_COUNTS, _LINE_WEIGHTS)[0]
    return [_line(till, at) for _ in range(count)]


def _line(till: Till, at: datetime) -> Line:
    good = till.rng.choice(GOODS)
    whole = good.unit == "pcs"
    thousandths = till.rng.choice((1, 1, 1, 2, 3)) * 1000 if whole else till.rng.randint(3, 60) * 50
    prices, net = _price_attributes(till, good, thousandths)
    body: dict[str, Any] = {
        "article": {
            "tenantArticleId": f"{good.article_id}-{till.rng.randint(1, 999):03d}",
            "attributes": [*_descriptions(till, good), *prices],
        },
        "quantity": thousandths // 1000 if whole else thousandths / 1000,
    }
    if till.chance(0.95):
        body["article"]["title"] = good.title
    if till.chance(0.8):
        body["measurementUnitKey"] = good.unit
    return Line(body | _custom_attributes(till, good) | _promises(till, good, at), net)


def _price_attributes(till: Till, good: Good, thousandths: int) -> tuple[list[dict[str, Any]], int]:
    """The attributes of api rule 48 (minor units as text), and the net price of the line."""
    unit = till.minor_units(till.rng.randint(good.lowest, good.highest))
    gross = (unit * thousandths * 2 + 1000) // 2000
    found = [_attribute("basePrice", "value", str(unit), "CURRENCY")]
    found.append(_attribute("basePrice", "currency", till.region.currency))
    if till.chance(0.3):
        found.append(_attribute("basePrice", "decimalPlaces", str(till.region.decimals), "NUMBER"))
    found.append(_attribute("tax", "percentage", f"{till.region.tax_basis_points / 100:g}", "NUMBER"))
    off = share(gross, till.rng.choice((500, 1000, 2500))) if till.chance(0.2) else 0
    if off:
        found.append(_attribute("subtotalBeforeDiscounts", "value", str(gross), "CURRENCY"))
        found.append(_attribute("discount", "value", str(off), "CURRENCY"))
        found.append(_attribute("subtotalAfterDiscounts", "value", str(gross - off), "CURRENCY"))
    if till.chance(0.08):
        found.append(_attribute("salesPrice", "value", str(unit), "CURRENCY"))
    extra = till.minor_units(150) if till.chance(0.06) else 0
    if extra:
        found.append(_attribute("surcharge", "value", str(extra), "CURRENCY"))
    net = gross - off + extra
    if till.chance(0.15):
        found.append(_attribute("finalUnitPrice", "value", str(unit + till.tax_on(unit)), "CURRENCY"))
        found.append(_attribute("finalLineItemPrice", "value", str(net + till.tax_on(net)), "CURRENCY"))
    return found, net


def _descriptions(till: Till, good: Good) -> list[dict[str, Any]]:
    """Attributes that no price needs; engravings and serial numbers point at a person."""
    found = []
    if good.personal and till.chance(0.6):
        found.append(_engraving(till, good.personal))
    if good.serial:
        serial = f"SN{till.rng.getrandbits(40):010X}"
        found.append(_attribute("miscellaneous", "serialNumber", serial, "STRING"))
    if till.chance(0.15):
        found.append(_attribute("dimensions", "weight", str(till.rng.randint(20, 9000)), "NUMBER"))
    if till.chance(0.1):
        found.append({"key": "refurbished", "value": "false", "type": "BOOLEAN"})
    return found


def _engraving(till: Till, key: str) -> dict[str, Any]:
    first, last = till.person()
    text = last.upper() if key == "nameOnBack" else till.rng.choice(ENGRAVINGS).format(name=first)
    engraving = _attribute("descriptive", key, text, "STRING") | {"priority": till.rng.randint(1, 1001)}
    if till.chance(0.5):
        engraving["keyLocalized"] = {"de_DE": "Gravur", "en_GB": "Engraving"}
        engraving["valueLocalized"] = {till.region.locale: text, "en_GB": f"“{text}”"}
    return engraving


def _custom_attributes(till: Till, good: Good) -> dict[str, Any]:
    first, last = till.person()
    if till.chance(0.12):
        gift = {"giftMessage": till.region.greeting.format(name=first), "giftWrap": till.chance(0.5)}
        return {"customAttributes": gift | {"from": f"{first} {last}"}}
    if good.personal and till.chance(0.3):
        shirt = {"nameOnBack": last, "number": till.rng.randint(1, 99)}
        return {"customAttributes": {"personalization": shirt}}
    return {"customAttributes": None} if till.chance(0.02) else {}


def _promises(till: Till, good: Good, at: datetime) -> dict[str, Any]:
    """Return policy and warranty, each of whose members may be missing."""
    promises: dict[str, Any] = {}
    if till.chance(0.5):
        returnable = good.unit == "pcs" and good.personal is None
        promises["returnPolicy"] = {"isReturnable": returnable}
        if returnable or till.chance(0.1):
            end = at + timedelta(days=till.rng.choice((14, 30, 100)))
            promises["returnPolicy"]["returnWindowEndDate"] = instant(end)
    if good.warranty and till.chance(0.8):
        promises["warranty"] = {"warrantyPeriod": good.warranty}
        if till.chance(0.6):
            promises["warranty"]["warrantyStartDate"] = instant(at)
    return promises


def _attribute(category: str, key: str, value: str, kind: str | None = None) -> dict[str, Any]:
    attribute: dict[str, Any] = {"category": category, "key": key, "value": value}
    return attribute | {"type": kind} if kind else attribute
