"""Discounts, fees, taxes and payments of sample orders; all values in minor units, refunds negative."""

from typing import Any
from uuid import UUID

from local.samples.goods import DISCOUNT_NAMES, FEES
from local.samples.till import Till, share

_METHODS = ("CARD", "CARD", "CASH", "INVOICE", "ONLINE", "SwishPay", "Crédit Maison")


def sample_pricing(till: Till, net: int) -> tuple[dict[str, Any], int, int]:
    """The pricing block, the sum to pay and the tax in it, for lines that cost ``net``."""
    pricing: dict[str, Any] = {}
    discounts, off = _discounts(till, net)
    fees, charged = _fees(till)
    taxable = net - off
    tax = till.tax_on(taxable)
    if discounts:
        pricing["discounts"] = discounts
    if fees:
        pricing["fees"] = fees
    if till.chance(0.9):
        pricing["taxes"] = [_tax(till, taxable, tax)]
    return pricing, taxable + charged + tax, tax


def _discounts(till: Till, net: int) -> tuple[list[dict[str, Any]], int]:
    makers = (_none, _percentage, _absolute, _coupon, _staff)
    return till.rng.choices(makers, (70, 10, 8, 9, 3))[0](till, net)


def _none(_till: Till, _net: int) -> tuple[list[dict[str, Any]], int]:
    return [], 0


def _percentage(till: Till, net: int) -> tuple[list[dict[str, Any]], int]:
    percent = till.rng.choice((5, 10, 12.5, 20))
    names = dict(till.rng.choice(DISCOUNT_NAMES))
    discount = {"type": "PERCENTAGE", "percentage": percent, "name": names["en_GB"], "nameLocalized": names}
    discount["tenantDiscountId"] = f"D-{till.rng.randint(1, 500)}"
    return [discount], share(net, round(percent * 100))


def _absolute(till: Till, net: int) -> tuple[list[dict[str, Any]], int]:
    off = min(net, till.minor_units(till.rng.choice((100, 500, 1000))))
    return [{"type": "ABSOLUTE", "name": "Treueprämie", "context": "loyalty", "value": till.money(off)}], off


def _coupon(till: Till, net: int) -> tuple[list[dict[str, Any]], int]:
    """A voucher that was made for one person: name and code tell who it is."""
    first, last = till.person()
    off = min(net, till.minor_units(till.rng.choice((1000, 2000))))
    code = f"{last.upper().replace(' ', '')}-{till.rng.getrandbits(24):06X}"
    name = {"name": f"Gutschein für {first}", "context": "birthday"}
    return [{"type": "COUPON", "code": code, **name, "value": till.money(off)}], off


def _staff(till: Till, net: int) -> tuple[list[dict[str, Any]], int]:
    """A free type beside a percentage: the list is open, and both may stand together."""
    staff = {"type": "STAFF", "name": "Personalrabatt", "context": "staff", "percentage": 15}
    return [staff, {"type": "ABSOLUTE", "value": till.money(0)}], share(net, 1500)


def _fees(till: Till) -> tuple[list[dict[str, Any]], int]:
    if not till.chance(0.4):
        return [], 0
    charged = till.minor_units(till.rng.choice((290, 495, 990)))
    return [{"name": till.rng.choice(FEES), "value": till.money(charged)}], charged


def _tax(till: Till, taxable: int, tax: int) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": till.region.tax_type, "value": till.money(tax)}
    if till.chance(0.9):
        entry["ratePercent"] = till.region.tax_basis_points / 100
        entry["taxableValue"] = till.money(taxable)
    return entry | ({"scope": "ORDER"} if till.chance(0.6) else {})


def sample_payments(till: Till, total: int, tax: int) -> list[dict[str, Any]]:
    """How the sum was paid: at once, by voucher and card, at the second try, or paid and given back."""
    ways = (_at_once, _with_voucher, _second_try, _given_back)
    return till.rng.choices(ways, (75, 8, 5, 12))[0](till, total, tax)


def _at_once(till: Till, total: int, tax: int) -> list[dict[str, Any]]:
    return [_payment(till, till.rng.choice(_METHODS), total, tax, "COMPLETED")]


def _with_voucher(till: Till, total: int, tax: int) -> list[dict[str, Any]]:
    voucher = min(total, till.minor_units(2500))
    return [_payment(till, "VOUCHER", voucher, 0, "COMPLETED"), *_at_once(till, total - voucher, tax)]


def _second_try(till: Till, total: int, tax: int) -> list[dict[str, Any]]:
    refused = till.rng.choice(("FAILED", "CANCELLED"))
    return [_payment(till, "CARD", total, tax, refused), *_at_once(till, total, tax)]


def _given_back(till: Till, total: int, tax: int) -> list[dict[str, Any]]:
    paid = _at_once(till, total, tax)
    status, parts = till.rng.choice((("REFUNDED", 1), ("PARTIALLY_REFUNDED", 3)))
    return [*paid, _payment(till, paid[0]["paymentMethod"], -(total // parts), -(tax // parts), status)]


def _payment(till: Till, method: str, value: int, tax: int, status: str) -> dict[str, Any]:
    payment: dict[str, Any] = {"value": till.money(value), "status": status, "paymentMethod": method}
    if till.chance(0.8):
        payment["taxValue"] = till.money(tax)
    if method != "CASH":
        payment["transactionId"] = str(UUID(int=till.rng.getrandbits(128)))
    if till.chance(0.7):
        payment["receiptNumber"] = f"B{till.rng.randint(1, 10**8):08d}"
    return payment
