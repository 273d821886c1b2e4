"""The OpenAPI document: what FastAPI knows of the routes, in our words and with the contract's names."""

from typing import Any, Final, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from records.search_payload import SearchPayload
from service.api import admin_schemas, examples, schemas
from service.api.documents import (
    HEADER_OF,
    HEADERS,
    OPERATIONS,
    PARAMETERS,
    TAGS,
    Content,
    Described,
)

Json = dict[str, Any]

_REF: Final = "#/components/schemas/{model}"
_SHAPES: Final = (
    schemas.ApiError,
    schemas.BulkOperations,
    schemas.BulkResponse,
    schemas.OrderRecords,
    schemas.SearchResult,
    SearchPayload,
    admin_schemas.GdprConfiguration,
    admin_schemas.GdprConfigurationInput,
    admin_schemas.Lifecycle,
    admin_schemas.OrderRecordsConfiguration,
    admin_schemas.OrderRecordsConfigurationInput,
)
"""All that bodies and answers are made of, with whatever is within them."""

_CONTRACT_NAMES: Final = {
    "Address": "OrderRecordAddress",
    "AddressFilter": "OrderRecordConsumerAddressesFilter",
    "AddressesFilter": "OrderRecordConsumerAddressesListFilter",
    "AddressesSort": "OrderRecordAddressesSort",
    "Article": "OrderRecordLineItemArticle",
    "ArticleFilter": "OrderRecordLineItemsArticleFilter",
    "Attribute": "OrderRecordArticleAttributeItem",
    "BulkError": "OrderRecordBulkOperationError",
    "BulkOperations": "OrderRecordBulkOperations",
    "BulkResponse": "OrderRecordBulkOperationsResponse",
    "BulkResult": "OrderRecordBulkOperationResult",
    "BulkSummary": "OrderRecordBulkOperationsSummary",
    "Consumer": "OrderRecordConsumer",
    "ConsumerFilter": "OrderRecordConsumerFilter",
    "ConsumerSort": "OrderRecordConsumerSort",
    "DiscountBreakdown": "OrderRecordDiscountBreakdown",
    "Fee": "OrderRecordFee",
    "LineItem": "OrderRecordLineItemForCreation",
    "LineItemFilter": "OrderRecordLineItemsFilter",
    "LineItemsFilter": "OrderRecordLineItemsListFilter",
    "LineItemsSort": "OrderRecordLineItemsSort",
    "MonetaryValue": "OrderRecordMonetaryValue",
    "OrderPayload": "OrderRecordForCreation",
    "Origin": "OrderRecordPosOrigin",
    "OriginFilter": "OrderRecordOriginFilter",
    "OriginSort": "OrderRecordOriginSort",
    "Payment": "OrderRecordPayment",
    "PaymentFilter": "OrderRecordPaymentsFilter",
    "PaymentsFilter": "OrderRecordPaymentsListFilter",
    "PaymentsSort": "OrderRecordPaymentsSort",
    "PriceBreakdown": "OrderRecordTotals",
    "Pricing": "OrderRecordPricingForCreation",
    "PricingSort": "OrderRecordPricingSort",
    "PricingTotal": "OrderRecordPricingTotal",
    "ReturnPolicy": "OrderRecordLineItemReturnPolicy",
    "SearchPayload": "OrderRecordSearchPayload",
    "SearchQuery": "OrderRecordSearchQuery",
    "SearchResult": "OrderRecordPaginatedResult",
    "SearchSort": "OrderRecordSort",
    "StoredLineItem": "OrderRecordLineItem",
    "StoredPricing": "OrderRecordPricing",
    "Tax": "OrderRecordTax",
    "TotalDiscounts": "OrderRecordTotalDiscounts",
    "TotalSort": "OrderRecordTotalSort",
    "Warranty": "OrderRecordLineItemWarranty",
    "_Discount": "OrderRecordDiscount",
}
"""So that clients which were generated from the contract keep the names of their classes."""


_BEARER: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A signed token. One of its claims says what it may do: `permissions`, a list (the "
    "service may be set up for another name), or `scope`, a text with spaces between.",
}


def openapi(app: FastAPI) -> Json:
    """The document of this app (OpenAPI 3.1)."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, tags=TAGS
    )
    for path in document["paths"].values():
        for operation in path.values():
            _describe(operation, OPERATIONS[operation["operationId"]])
    document["components"] = {
        "schemas": _schemas(),
        "headers": HEADERS,
        "securitySchemes": {"bearer": _BEARER},
    }
    return document


def _describe(operation: Json, described: Described) -> None:
    permission = described.permission.value
    operation["summary"] = described.summary
    operation["description"] = f"{described.description}\n\nPermission: `{permission}`."
    operation["security"] = [{"bearer": [permission]}]
    for parameter in operation.get("parameters", ()):
        _describe_parameter(parameter)
    if described.body is not None:
        operation["requestBody"] = {"required": True, **_content(described.body)}
    errors = {
        status: Content("ApiError", says, examples.ERRORS[status])
        for status, says in described.errors.items()
    }
    operation["responses"] = {
        str(status): {"headers": _headers(status), **_content(content)}
        for status, content in sorted((described.answers | errors).items())
    }


def _content(content: Content) -> Json:
    shown = {summary: {"summary": summary, "value": value} for summary, value in content.examples.items()}
    schema = {"$ref": _REF.format(model=content.schema)}
    return {
        "description": content.says,
        "content": {"application/json": {"schema": schema, "examples": shown}},
    }


def _headers(status: int) -> Json:
    names = ("X-Request-Id", HEADER_OF.get(status))
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names if name}


def _describe_parameter(parameter: Json) -> None:
    if parameter["in"] == "header":
        parameter["name"] = parameter["name"].title()
    parameter["description"] = PARAMETERS[parameter["name"]]
    # What FastAPI reads as None is a parameter that is absent: there is no null in an address.
    schema = parameter["schema"]
    parameter["schema"] = _put_plainly(schema["anyOf"][0] if "anyOf" in schema else schema)


def _schemas() -> Json:
    mode: Literal["validation"] = "validation"
    shapes = [(shape.__name__, mode, TypeAdapter[Any](shape)) for shape in _SHAPES]
    _, made = TypeAdapter.json_schemas(shapes, ref_template=_REF)
    return {_CONTRACT_NAMES.get(name, name): _put_plainly(each) for name, each in made["$defs"].items()}


def _put_plainly(schema: Any) -> Any:
    """With the contract's names, and without the titles that pydantic makes of names."""
    if isinstance(schema, list):
        return [_put_plainly(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {
        name: _put_plainly(part)
        for name, part in schema.items()
        if name != "title" or not isinstance(part, str)  # a member may be called `title`
    }
    if "$ref" in plain:
        name = plain["$ref"].rsplit("/", 1)[1]
        plain["$ref"] = _REF.format(model=_CONTRACT_NAMES.get(name, name))
    return plain
