"""What the sample shop sells."""
# ruff: noqa: RUF001  (typographic apostrophes are wanted here)

from typing import Final, NamedTuple


class Good(NamedTuple):
    """An article; prices in euro cents for one unit, the warranty an ISO 8601 duration.

    ``personal`` names the attribute into which a customer's own words go.
    """

    article_id: str
    title: str
    lowest: int
    highest: int
    unit: str = "pcs"
    warranty: str | None = None
    personal: str | None = None
    serial: bool = False


GOODS: Final = (
    Good("RING-585", "Wedding ring, 585 gold, 4 mm", 39900, 129900, warranty="P2Y", personal="engraving"),
    Good("PEN-FT-01", "Füllfederhalter „Modell 7“", 4900, 18900, warranty="P5Y", personal="engraving"),
    Good("SHIRT-HOME", "Football shirt, home, size M", 5999, 9999, personal="nameOnBack"),
    Good("ESPR-9", "Espresso machine Caffè 9", 29900, 89900, warranty="P2Y6M", serial=True),
    Good("HEAD-NC", "Wireless headphones", 7900, 34900, warranty="P24M", serial=True),
    Good("COFF-ETH", "Kaffeebohnen Äthiopien, lose", 1490, 2990, unit="kg"),
    Good("CHEESE-18", "Gruyère, 18 mois", 2390, 3590, unit="kg"),
    Good("FABRIC-L", "Leinenstoff, natur", 990, 2490, unit="m"),
    Good("SHOE-TR-42", "Trail running shoe 42⅔", 8900, 16900, warranty="P90D"),
    Good("COAT-W", "Winter coat, navy", 12900, 39900),
    Good("BOOK-0815", "Notebook A5, dotted", 790, 1990),
    Good("MUG-03", "Mug “Très bien”", 890, 1690),
    Good("LAMP-LED", "Desk lamp, LED, 4000 K", 2990, 11900, warranty="P104W"),
    Good("CABLE-2M", "Cable USB-C, 2 m", 599, 2499),
    Good("SOAP-OL", "Savon de Marseille à l’huile d’olive", 350, 890),
)

ENGRAVINGS: Final = ("Für immer, {name}", "{name} ∞ 12.09.2026", "Dla {name}", "To {name}, with love")
DISCOUNT_NAMES: Final = (
    {"de_DE": "Herbstaktion", "en_GB": "Autumn sale"},
    {"de_DE": "Neukundenrabatt", "en_GB": "Welcome discount", "pl_PL": "Rabat powitalny"},
    {"fr_FR": "Fête des mères", "en_GB": "Mother’s Day"},
)
FEES: Final = ("Shipping", "Express", "Gift wrapping", "Pfand")
