"""`/docs` for people: whole without the internet, and held to that by its own policy."""

import re

import httpx
from fastapi import FastAPI

from service.api.docs_page import DOCS, add_docs_page


async def test_the_page_for_people_loads_nothing_from_elsewhere() -> None:
    app = FastAPI(docs_url=None)
    add_docs_page(app)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/") as client:
        page = await client.get(DOCS)
        assert "default-src 'self'" in page.headers["content-security-policy"]
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        types = [(await client.get(address)).headers["content-type"].split(";")[0] for address in loaded]
        assert types == ["image/png", "text/css", "text/javascript", "text/javascript"]
        document = re.search(r'url: "([^"]+)"', (await client.get(f"{DOCS}/start.js")).text)
        assert document
        assert (await client.get(document[1])).json()["openapi"].startswith("3.")
