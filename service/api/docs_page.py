"""`/docs`: the OpenAPI document for people, with nothing loaded from elsewhere.

FastAPI's own page takes its scripts from a public server, in a version that floats; people paste tokens
into this page, and clusters may have no way out.
"""

from functools import partial
from importlib import resources
from typing import Final, NamedTuple

from fastapi import FastAPI, Response

DOCS: Final = "/docs"

# Addresses are relative, so that a prefix that a proxy adds does no harm.
_PAGE: Final = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Order Records</title>
<link rel="icon" href="docs/favicon.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
"""
_START: Final = b'SwaggerUIBundle({url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true});\n'
_HEADERS: Final = {
    # Swagger UI sets styles from its script, and draws its icons from data.
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
}


class _Part(NamedTuple):
    content: bytes
    media_type: str


def add_docs_page(app: FastAPI) -> None:
    """Adds the page and what it loads; none of it is in the document."""
    parts = {
        "": _Part(_PAGE, "text/html; charset=utf-8"),
        "/start.js": _Part(_START, "text/javascript"),
        "/swagger-ui-bundle.js": _Part(_asset("swagger-ui-bundle.js"), "text/javascript"),
        "/swagger-ui.css": _Part(_asset("swagger-ui.css"), "text/css"),
        "/favicon.png": _Part(_asset("favicon-32x32.png"), "image/png"),
    }
    for path, part in parts.items():
        app.add_api_route(DOCS + path, partial(_shown, part), include_in_schema=False)


async def _shown(part: _Part) -> Response:
    return Response(part.content, media_type=part.media_type, headers=_HEADERS)


def _asset(name: str) -> bytes:
    return (resources.files("fastapi_swagger.resources") / name).read_bytes()
