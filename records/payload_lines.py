"""The lines of an order: what was bought, how much of it, and what was promised with it."""

from typing import Annotated, Literal, NotRequired, Required

from pydantic import Field
from typing_extensions import TypedDict

from records.money import SafeInteger
from records.scalars import CLOSED, CustomAttributes, FilledText, Instant, Localized, Number, Text


@CLOSED
class Attribute(TypedDict, total=False):
    """One attribute of an article; prices are attributes too, told apart by their category.

    After clean-up only those of a price category are left: `salesPrice`, `basePrice` and all below it.
    """

    key: Required[
        Annotated[
            FilledText,
            Field(
                description="What the attribute is called. In a price category `value`, `percentage`, "
                "`currency` and `decimalPlaces` are read; other keys are stored and not counted."
            ),
        ]
    ]
    value: Required[
        Annotated[
            FilledText,
            Field(
                description="Always a text. An amount is a whole number of minor units: `2490` for "
                "24.90 EUR. One that is written `24.90` is stored and not counted."
            ),
        ]
    ]
    category: Annotated[
        Literal[
            "descriptive",
            "miscellaneous",
            "pickingSequence",
            "customs",
            "insurance",
            "shop",
            "dimensions",
            "carrierService",
            "salesPrice",
            "basePrice",
            "tax",
            "discount",
            "surcharge",
            "subtotalBeforeDiscounts",
            "subtotalAfterDiscounts",
            "finalUnitPrice",
            "finalLineItemPrice",
        ],
        Field(
            description="What the attribute is about. The price categories begin with `salesPrice`; the "
            "totals are computed from them, but not from the two final prices."
        ),
    ]
    keyLocalized: Annotated[
        Localized, Field(description="The key by language, for example `de_DE`. Erased at clean-up.")
    ]
    priority: Annotated[SafeInteger, Field(description="For sorting attributes on a screen; no effect here.")]
    type: Annotated[
        Literal["STRING", "NUMBER", "CURRENCY", "BOOLEAN"],
        Field(description="How a reader may take `value`, which is not checked against it."),
    ]
    valueLocalized: Annotated[Localized, Field(description="The value by language. Erased at clean-up.")]


@CLOSED
class Article(TypedDict):
    """An article as the shop knows it."""

    tenantArticleId: Annotated[Text, Field(description="The sender's own number of the article.")]
    attributes: Annotated[
        list[Attribute],
        Field(max_length=100, description="Prices, and whatever else is known of the article. May be empty."),
    ]
    title: NotRequired[
        Annotated[
            Text, Field(description="What the shop calls the article. Kept, so it should name no person.")
        ]
    ]


@CLOSED
class ReturnPolicy(TypedDict, total=False):
    """Until when a line may come back."""

    isReturnable: Annotated[bool, Field(description="Whether it may come back at all.")]
    returnWindowEndDate: Annotated[Instant, Field(description="The last moment at which it may.")]


@CLOSED
class Warranty(TypedDict, total=False):
    """How long a line is under warranty, and from when."""

    warrantyPeriod: Annotated[
        str,
        Field(
            max_length=1024,
            pattern=r"^-?P(?:([0-9]+W)|([0-9]+Y)?([0-9]+M)?([0-9]+D)?(?:T([0-9]+H)?([0-9]+M)?([0-9]+S)?)?)$",
            description="How long, as an ISO 8601 duration: `P2Y` is two years.",
        ),
    ]
    warrantyStartDate: Annotated[Instant, Field(description="When it begins.")]


@CLOSED
class LineItem(TypedDict, total=False):
    """An article in a quantity."""

    article: Required[Annotated[Article, Field(description="What was bought.")]]
    quantity: Required[
        Annotated[
            Number,
            Field(
                description="How much of it, in the unit of `measurementUnitKey`. May be a fraction, and "
                "negative for goods that came back."
            ),
        ]
    ]
    customAttributes: CustomAttributes
    measurementUnitKey: Annotated[
        Text, Field(description="The unit of `quantity` in the sender's words, for example `KILOGRAM`.")
    ]
    returnPolicy: Annotated[ReturnPolicy, Field(description="Whether and until when it may come back.")]
    warranty: Annotated[Warranty, Field(description="How long it is under warranty.")]
