"""Money as the contract writes it: an integer in the currency's minor unit."""

from typing import Annotated, Final, Literal, NotRequired

from pydantic import AfterValidator, ConfigDict, Field, with_config
from typing_extensions import TypedDict

SAFE_INTEGER: Final = 2**53
"""The largest integer that every JSON reader keeps exact (RFC 7493, section 2.2)."""

# fmt: off
Currency = Literal[
    "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN",
    "BHD", "BIF", "BMD", "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF",
    "CHE", "CHF", "CHW", "CLF", "CLP", "CNY", "COP", "COU", "CRC", "CUC", "CUP", "CVE", "CZK", "DJF",
    "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD",
    "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD",
    "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT", "LAK", "LBP", "LKR",
    "LRD", "LSL", "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK",
    "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK",
    "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK",
    "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TND",
    "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "USN", "UYI", "UYU", "UYW", "UZS", "VED",
    "VES", "VND", "VUV", "WST", "XAF", "XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XCD", "XDR", "XOF",
    "XPD", "XPF", "XPT", "XSU", "XTS", "XUA", "XXX", "YER", "ZAR", "ZMW", "ZWL",
]
# fmt: on

DEFAULT_DECIMAL_PLACES: Final = 2
DECIMAL_PLACES: Final[dict[str, int]] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"), 0),
    **dict.fromkeys(("VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""Minor units by ISO 4217 where they are not two; codes without a minor unit (metals, XXX) take two."""

SafeInteger = Annotated[int, Field(ge=-SAFE_INTEGER, le=SAFE_INTEGER)]


@with_config(ConfigDict(strict=True, extra="forbid"))
class MonetaryValue(TypedDict):
    """An amount: `value` counts units of 10^-`decimalPlaces` of the currency."""

    value: Annotated[SafeInteger, Field(description="How many units: 2490 with two places is 24.90.")]
    currency: Annotated[Currency, Field(description="By its ISO 4217 code.")]
    decimalPlaces: NotRequired[
        Annotated[
            int,
            Field(
                ge=0,
                le=20,
                description="Where the decimal point is. Left out, it is the currency's own number (EUR 2, "
                "JPY 0, KWD 3); answers always state it.",
            ),
        ]
    ]


def _with_decimal_places(money: MonetaryValue) -> MonetaryValue:
    if "decimalPlaces" not in money:
        money["decimalPlaces"] = DECIMAL_PLACES.get(money["currency"], DEFAULT_DECIMAL_PLACES)
    return money


Money = Annotated[MonetaryValue, AfterValidator(_with_decimal_places)]
"""A monetary value whose ``decimalPlaces`` is always there (design: ISO 4217 where the sender is silent)."""
