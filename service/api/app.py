"""The API as one application: routes, error answers, and the document that describes them."""

from typing import Any, Final

from fastapi import FastAPI

from service.api.configurations import configurations_router
from service.api.context import ApiContext
from service.api.docs_page import add_docs_page
from service.api.errors import install_error_handlers
from service.api.lifecycle import lifecycle_router
from service.api.openapi import openapi
from service.api.records import records_router

_DESCRIPTION: Final = """\
Finished orders, stored once and erased on time.

**Two dates.** From its `gdprCleanupDate` on (its *clean-up*) a record is shown without everything that
names or describes a person: what goes is marked "Erased at clean-up." From its `deletionDate` on it is not
shown at all. Nothing else in it ever changes.

**Dates** are RFC 3339. They are taken with any offset and up to nine digits of a second, and answered in UTC
with three.

**Money** is an integer that counts the smallest units of the stated decimal places: 2490 with two places is
24.90.

**Faults** are always an array, and name every fault at once by its place, never by its value. Other
addresses than these are a 404, other methods a 405, in the same form."""


def create_app(api: ApiContext) -> FastAPI:
    """The application, to be run behind `service.api.server.shell`."""
    app = FastAPI(
        title="Order Records",
        version=api.build,
        description=_DESCRIPTION,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    for router in (records_router(api), configurations_router(api), lifecycle_router(api)):
        # As its own: a request would look for the route of an included router twice.
        app.router.routes.extend(router.routes)
    add_docs_page(app)
    install_error_handlers(app, api.admits)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = openapi(app)
    return app.openapi_schema
