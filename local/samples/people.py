"""Where sample customers live and what they are called: every alphabet and money that a shop may meet.

All of them are invented.
"""
# ruff: noqa: RUF001  (letters and quotes that look like ASCII ones are wanted here)

from typing import Final, NamedTuple


class City(NamedTuple):
    """A place as an address names it; most countries have no province in addresses."""

    name: str
    postal_code: str
    province: str | None = None


class Region(NamedTuple):
    """A country with its people and money; tax in hundredths of a percent, ``per_euro`` in currency units."""

    country: str
    currency: str
    decimals: int
    per_euro: float
    tax_type: str
    tax_basis_points: int
    locale: str
    greeting: str
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    streets: tuple[str, ...]
    cities: tuple[City, ...]


REGIONS: Final = (
    Region(
        *("DE", "EUR", 2, 1.0, "VAT", 1900, "de_DE", "Für {name}, alles Liebe zum Geburtstag!"),
        first_names=("Jürgen", "Anna", "Käthe", "Björn", "Zoë", "Paul"),
        last_names=("Müller", "Weiß", "Schröder", "Böttcher", "Klein"),
        streets=("Hauptstraße", "Gänsemarkt", "Am Mühlbach", "Lindenallee"),
        cities=(City("Köln", "50667"), City("München", "80331"), City("Görlitz", "02826")),
    ),
    Region(
        *("FR", "EUR", 2, 1.0, "VAT", 2000, "fr_FR", "Joyeux anniversaire {name} !"),
        first_names=("François", "Hélène", "Maëlys", "Loïc"),
        last_names=("Lefèvre", "Bénard", "D’Aubigné", "Garçon"),
        streets=("rue de l’Église", "allée des Chênes", "boulevard Voltaire"),
        cities=(City("Besançon", "25000"), City("Nîmes", "30000")),
    ),
    Region(
        *("ES", "EUR", 2, 1.0, "VAT", 2100, "es_ES", "¡Feliz cumpleaños, {name}!"),
        first_names=("Ángel", "Begoña", "Íñigo", "María José"),
        last_names=("Núñez", "Ibáñez", "García Peña"),
        streets=("Calle de Alcalá", "Paseo de Begoña", "Calle Muñoz"),
        cities=(City("A Coruña", "15001", "Galicia"), City("Málaga", "29001", "Andalucía")),
    ),
    Region(
        *("NL", "EUR", 2, 1.0, "VAT", 2100, "nl_NL", "Gefeliciteerd, lieve {name}"),
        first_names=("Zoë", "Daniël", "Loïs", "Jan"),
        last_names=("van ’t Hoff", "de Coninck", "IJzerman"),
        streets=("Ruïnelaan", "Prinsengracht", "Zeeëndsestraat"),
        cities=(City("’s-Hertogenbosch", "5211 AA"), City("Hoogezand", "9601 AB", "Groningen")),
    ),
    Region(
        *("GR", "EUR", 2, 1.0, "VAT", 2400, "el_GR", "Χρόνια πολλά, {name}!"),
        first_names=("Γιώργος", "Ελένη", "Ζωή"),
        last_names=("Παπαδόπουλος", "Οικονόμου", "Δημητρίου"),
        streets=("Οδός Ερμού", "Λεωφόρος Κηφισίας"),
        cities=(City("Αθήνα", "105 63"), City("Θεσσαλονίκη", "546 24")),
    ),
    Region(
        *("PL", "PLN", 2, 4.3, "VAT", 2300, "pl_PL", "Wszystkiego najlepszego, {name}!"),
        first_names=("Łukasz", "Małgorzata", "Żaneta", "Michał"),
        last_names=("Wójcik", "Dąbrowska", "Żółć", "Nowak"),
        streets=("ulica Świętokrzyska", "aleja Róż", "ulica Łąkowa"),
        cities=(City("Łódź", "90-001"), City("Gdańsk", "80-001", "pomorskie")),
    ),
    Region(
        *("NO", "NOK", 2, 11.6, "VAT", 2500, "nb_NO", "Gratulerer med dagen, {name}!"),
        first_names=("Øystein", "Åse", "Bjørg"),
        last_names=("Sæther", "Bråten", "Ødegård"),
        streets=("Bjørnstjerne Bjørnsons gate", "Ålesundvegen"),
        cities=(City("Tromsø", "9008"), City("Ålesund", "6002")),
    ),
    Region(
        *("TR", "TRY", 2, 45.0, "KDV", 2000, "tr_TR", "İyi ki doğdun, {name}!"),
        first_names=("Çağla", "İbrahim", "Şükrü", "Işıl"),
        last_names=("Çelik", "Yıldız", "Öztürk", "Gündoğdu"),
        streets=("İstiklal Caddesi", "Çınar Sokağı"),
        cities=(City("İstanbul", "34433"), City("Eskişehir", "26010")),
    ),
    Region(
        *("RS", "RSD", 2, 117.0, "VAT", 2000, "sr_RS", "Срећан рођендан, {name}!"),
        first_names=("Đorđe", "Љиљана", "Žarko"),
        last_names=("Đorđević", "Петровић", "Ćosić"),
        streets=("Његошева", "Bulevar kralja Aleksandra"),
        cities=(City("Ниш", "18000"), City("Čačak", "32000")),
    ),
    Region(
        *("GB", "GBP", 2, 0.86, "VAT", 2000, "en_GB", "Happy birthday {name} – love, Gran"),
        first_names=("Siân", "Oliver", "Niamh", "Chloë"),
        last_names=("O’Connor", "Smith-Jones", "Llŷr"),
        streets=("High Street", "St Mary’s Row"),
        cities=(City("London", "SW1A 1AA"), City("Ynys Môn", "LL77 7TW", "Anglesey")),
    ),
    Region(
        *("US", "USD", 2, 1.1, "SALES_TAX", 825, "en_US", "Congratulations, {name}! 🎉"),
        first_names=("José", "Renée", "DeShawn", "Emily"),
        last_names=("Muñoz", "Johnson", "Nguyễn"),
        streets=("Cañon Drive", "5th Avenue"),
        cities=(City("San José", "95113", "CA"), City("New York", "10001", "NY")),
    ),
    Region(
        *("JP", "JPY", 0, 165.0, "CONSUMPTION_TAX", 1000, "ja_JP", "{name}さん、お誕生日おめでとう"),
        first_names=("太郎", "さくら", "健"),
        last_names=("田中", "佐藤", "髙橋"),
        streets=("神南一丁目", "本町二丁目"),
        cities=(City("渋谷区", "150-0041", "東京都"), City("札幌市", "060-0001", "北海道")),
    ),
    Region(
        *("KW", "KWD", 3, 0.335, "VAT", 500, "ar_KW", "عيد ميلاد سعيد يا {name}"),
        first_names=("فاطمة", "Yūsuf", "نور"),
        last_names=("العلي", "Al-Ṣabāḥ"),
        streets=("شارع فهد السالم", "Gulf Road"),
        cities=(City("الكويت", "13001"), City("Ḥawallī", "32001")),
    ),
)

COMPANIES: Final = (
    "Bäckerei Öhler GmbH & Co. KG",
    "Société Générale d’Électricité",
    "Żubr Sp. z o.o.",
    "株式会社さくら商事",
    "Ødegård & Sønner AS",
    'O’Neill "Best" Tools Ltd.',
)
DETAILS: Final = ("2. Stock links", "c/o Núñez", "Apt. 4B", "Hinterhaus, bei Çelik klingeln", "3ème étage")
