"""Generated records as MongoDB may hold them: what this build stores, and what another one may have left.

Every document can be encoded as BSON and comes back from it equal (dates in UTC, cut to milliseconds).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.kept_paths import DISCOUNT_TYPES, PAYMENT_METHODS, PRICE_CATEGORIES

Json = dict[str, Any]
Shape = SearchStrategy[Any]

CANARY: Final = "CANARY-Müller"
"""Planted wherever a record may name a person."""

OTHER_CATEGORIES: Final = ("descriptive", "miscellaneous", "customs", "insurance", "shop", "dimensions")
_SAFE: Final = 2**53

TEXT: Final = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8) | (
    st.sampled_from(["", "$_id", "$$ROOT", "a.b", "Müller", "田中"])
)
INSTANTS: Final = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 (UTC follows)
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)
)
INTEGERS: Final = st.integers(-_SAFE, _SAFE)
NUMBERS: Final = st.floats(-_SAFE, _SAFE)
CANARIES: Final = st.builds("{}{}{}".format, st.sampled_from(["", "$", "x "]), st.just(CANARY), TEXT)
_IDS: Final = st.uuids(version=4).map(str)
_ODDITIES: Final = st.sampled_from([0, 0, 1, 2, 4])


def stored_records(*, personal: SearchStrategy[str] = TEXT) -> SearchStrategy[Json]:
    """Any record that may be found: of this build's schema, or with what another build left in it.

    `personal` makes the strings that may name a person. The private members are always sound.
    """
    shaped = shaped_records(personal=personal) | shaped_records(personal=personal, full=True)
    # Built once: a strategy that is made anew for every example costs more than the example.
    return _shaped_or_odd(shaped, free_json(personal), personal.map(storable_name))


def shaped_records(*, personal: SearchStrategy[str] = TEXT, full: bool = False) -> SearchStrategy[Json]:
    """Records of this build's schema with any optional members, or with all of them and no empty list."""
    return _Shapes(personal, full).record()


def free_json(personal: SearchStrategy[str]) -> Shape:
    """Any JSON value; its texts and some of its names are personal, and no name is that of a kept member."""
    names = st.sampled_from(["note", "email", "lastName"]) | personal.map(storable_name)
    leaves = st.none() | st.booleans() | INTEGERS | personal
    return st.recursive(
        leaves,
        lambda child: st.lists(child, max_size=3) | st.dictionaries(names, child, max_size=3),
        max_leaves=5,
    )


def storable_name(text: str) -> str:
    """A member's name made of a text, by the rules that every way in enforces."""
    return "new " + text.replace(".", "").replace("$", "").replace("\0", "")


@dataclass(frozen=True)
class _Shapes:
    """One method an object of the schema; `full` makes every member present."""

    personal: SearchStrategy[str]
    full: bool

    def record(self) -> SearchStrategy[Json]:
        private = {
            "_id": _IDS,
            "version": st.integers(1, 5),
            "created": INSTANTS,
            "lastModified": INSTANTS,
            "anonymized": st.booleans(),
            "gdprCleanupDate": INSTANTS,
            "deletionDate": INSTANTS,
            "datesBy": st.sampled_from(["policy", "sender"]),
            "policyVersion": st.integers(0, 9),
        }
        required = {
            "orderRecordDate": INSTANTS,
            "facilityRef": TEXT,
            "lineItems": self._list(self._line(), 1),
        }
        return self._object(
            private | required,
            tenantOrderRecordId=TEXT,
            contentDigest=st.binary(min_size=33, max_size=33),
            consumer=self._consumer(),
            customAttributes=self._free(),
            origin=self._object({"type": st.just("POS")}, terminalId=TEXT, cashierId=self.personal),
            payments=self._list(self._payment()),
            pricing=self._pricing(),
        )

    def _consumer(self) -> Shape:
        names = (
            *("additionalAddressInfo", "city", "companyName", "firstName", "houseNumber", "lastName"),
            *("postalCode", "province", "street"),
        )
        address = self._object(
            {}, country=st.sampled_from(["DE", "JP"]), **dict.fromkeys(names, self.personal)
        )
        return self._object({}, addresses=self._list(address), consumerId=self.personal, email=self.personal)

    def _line(self) -> Shape:
        article = self._object(
            {"tenantArticleId": TEXT, "attributes": self._list(self._price() | self._attribute())}, title=TEXT
        )
        return self._object(
            {"id": _IDS, "article": article, "quantity": NUMBERS},
            measurementUnitKey=TEXT,
            customAttributes=self._free(),
            returnPolicy=self._object({}, isReturnable=st.booleans(), returnWindowEndDate=INSTANTS),
            warranty=self._object({}, warrantyPeriod=st.just("P2Y"), warrantyStartDate=INSTANTS),
        )

    def _price(self) -> Shape:
        category = st.sampled_from(sorted(PRICE_CATEGORIES))
        return self._object({"key": TEXT, "value": TEXT, "category": category}, **self._of_attribute())

    def _attribute(self) -> Shape:
        """One that is no price: nobody knows what it says."""
        words = {"key": self.personal, "value": self.personal}
        return self._object(words, category=st.sampled_from(OTHER_CATEGORIES), **self._of_attribute())

    def _of_attribute(self) -> dict[str, Shape]:
        kinds = st.sampled_from(["STRING", "NUMBER", "CURRENCY", "BOOLEAN"])
        localized = st.dictionaries(st.just("de_DE"), self.personal, min_size=int(self.full))
        return {"type": kinds, "priority": INTEGERS, "keyLocalized": localized, "valueLocalized": localized}

    def _payment(self) -> Shape:
        return self._object(
            {"value": self._money()},
            taxValue=self._money(),
            status=st.sampled_from(["COMPLETED", "REFUNDED"]),
            receiptNumber=TEXT,
            paymentMethod=st.sampled_from(sorted(PAYMENT_METHODS)) | self.personal,
            transactionId=self.personal,
        )

    def _pricing(self) -> Shape:
        money, personal = self._money(), self.personal
        named = dict.fromkeys(("code", "context", "name", "tenantDiscountId"), personal)
        discount = self._object(
            {},
            type=st.sampled_from(sorted(DISCOUNT_TYPES)) | personal,
            value=money,
            percentage=st.floats(0, 100),
            nameLocalized=st.dictionaries(st.just("de_DE"), personal, min_size=int(self.full)),
            **named,
        )
        tax = self._object(
            {"value": money}, taxableValue=money, ratePercent=NUMBERS, scope=personal, type=personal
        )
        return self._object(
            {},
            discounts=self._list(discount),
            fees=self._list(self._object({}, name=personal, value=money)),
            taxes=self._list(tax),
            total=self._object({}, priceBreakdown=self._totals()),
        )

    def _totals(self) -> Shape:
        """The contract: all six are required, and null where they cannot be computed."""
        money = self._money() if self.full else st.none() | self._money()
        breakdown = self._object({"lineItemDiscounts": money, "orderDiscounts": money})
        plain = ("subTotal", "total", "totalFees", "totalLineItemSurcharges", "totalTaxes")
        discounts = self._object({"value": money, "breakdown": breakdown})
        return self._object({**dict.fromkeys(plain, money), "totalDiscounts": discounts})

    def _money(self) -> Shape:
        currency = st.sampled_from(["EUR", "JPY", "KWD"])
        return self._object({"value": INTEGERS, "currency": currency, "decimalPlaces": st.integers(0, 3)})

    def _free(self) -> Shape:
        """customAttributes, filled where all is: with a text, a list and an object."""
        text, child = self.personal, free_json(self.personal)
        if self.full:
            return st.fixed_dictionaries({"note": text, "tags": st.lists(text, min_size=1), "card": child})
        return st.dictionaries(text.map(storable_name), child, max_size=2)

    def _object(self, required: dict[str, Shape], **optional: Shape) -> SearchStrategy[Json]:
        if self.full:
            return st.fixed_dictionaries(required | optional)
        return st.fixed_dictionaries(required, optional=optional)

    def _list(self, item: Shape, least: int = 0) -> Shape:
        return st.lists(item, min_size=max(least, int(self.full)), max_size=2)


@st.composite
def _shaped_or_odd(
    draw: st.DrawFn, shaped: SearchStrategy[Json], oddities: Shape, names: SearchStrategy[str]
) -> Json:
    record = draw(shaped)
    for _ in range(draw(_ODDITIES)):
        node = draw(st.just(record) | st.sampled_from(_nodes(record)))  # the few at the top as often as all
        _make_odd(draw, node, draw(oddities), names)
    return record


def _nodes(value: Any) -> list[Any]:
    """Every object and list of a document, itself first."""
    children = value.values() if isinstance(value, dict) else value
    below = [node for child in children if isinstance(child, dict | list) for node in _nodes(child)]
    return [value, *below]


def _make_odd(draw: st.DrawFn, node: Any, oddity: Any, names: SearchStrategy[str]) -> None:
    """An unknown member, a null or a value of a wrong type in place of a container, or in a list."""
    if isinstance(node, list):
        node.insert(draw(st.integers(0, len(node))), oddity)
        return
    containers = [name for name, child in node.items() if isinstance(child, dict | list)]
    replaces: bool = draw(st.booleans())
    if containers and replaces:
        node[draw(st.sampled_from(containers))] = oddity
    else:
        node[draw(names)] = oddity
