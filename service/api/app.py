"""The API as one application: routes, error answers, and the document that describes them."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.api.configurations import configurations_router
from service.api.context import ApiContext
from service.api.documents import definitions
from service.api.errors import install_error_handlers
from service.api.lifecycle import lifecycle_router
from service.api.records import records_router

_DESCRIPTION = """\
Finished orders, stored once and erased on time. Every request carries a bearer token; every fault is
named by its place, in one array. A record past its clean-up date is shown without the person, one past
its deletion date not at all.
"""


def create_app(api: ApiContext) -> FastAPI:
    """The application, to be run behind `service.api.server.shell`."""
    app = FastAPI(
        title="Order Records",
        version=api.build,
        description=_DESCRIPTION,
        redirect_slashes=False,
        redoc_url=None,
    )
    for router in (records_router(api), configurations_router(api), lifecycle_router(api)):
        app.include_router(router)
    install_error_handlers(app)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        parts = document.setdefault("components", {})
        parts.setdefault("schemas", {}).update(
            {name: schema for name, schema in definitions().items() if name not in parts["schemas"]}
        )
        parts["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        document["security"] = [{"bearer": []}]
        _without_422(document)
        app.openapi_schema = document
    return app.openapi_schema


def _without_422(document: dict[str, Any]) -> None:
    """FastAPI announces its own form of faults; here they are a 400 in the contract's form."""
    for path in document["paths"].values():
        for operation in path.values():
            if operation["responses"].pop("422", None):
                fault = {"schema": {"$ref": "#/components/schemas/ApiError"}}
                operation["responses"].setdefault(
                    "400", {"description": "Invalid input", "content": {"application/json": fault}}
                )
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
