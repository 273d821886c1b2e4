"""The pages and schemas that are generated: `python -m cli.pages` writes them into docs/ anew."""

from pathlib import Path
from typing import Any, Final

import orjson

from audit.schema import audit_schema
from runtime.settings_page import settings_page
from service.asyncapi import AUDIT_SCHEMA, ORDER_SCHEMA, asyncapi_document
from service.event_schema import event_schema

DOCS: Final = Path(__file__).parents[1] / "docs"


def generated() -> dict[str, str]:
    """The text of each generated file, by its path within docs/; made of code and other pages alone."""
    publishers, compliance = (
        (DOCS / name).read_text(encoding="utf-8") for name in ("publisher.md", "compliance.md")
    )
    return {
        "settings.md": settings_page(),
        ORDER_SCHEMA: _json(event_schema()),
        AUDIT_SCHEMA: _json(audit_schema()),
        "asyncapi.json": _json(asyncapi_document(publishers, compliance)),
    }


def _json(document: Any) -> str:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def write() -> None:
    """All texts are made before the first is written, so that an error leaves the pages as they were."""
    for name, text in generated().items():
        target = DOCS / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
