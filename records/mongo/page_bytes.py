"""How much one page may weigh: many are read at once, and a record may take a mebibyte."""

from collections.abc import AsyncIterable
from typing import Any, Final

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from records.mongo.client import Collection, Document

MAX_PAGE_BYTES: Final = 16 * 2**20
_RAW: Final = CodecOptions(document_class=RawBSONDocument)


class PageTooLarge(Exception):
    """The records of this page take more than 16 MiB together: fewer have to be asked for at once."""

    def __init__(self) -> None:
        super().__init__(
            f"these records take more than {MAX_PAGE_BYTES // 2**20} MiB together: ask for fewer at once"
        )


def weighed(records: Collection) -> Any:
    """The collection as `page_of` reads it."""
    return records.with_options(codec_options=_RAW)


async def page_of(records: Collection, found: AsyncIterable[RawBSONDocument]) -> list[Document]:
    """The documents of a cursor over `weighed(records)`. Raises PageTooLarge before they are all read."""
    page, size = list[Document](), 0
    async for document in found:
        size += len(document.raw)
        if size > MAX_PAGE_BYTES:
            raise PageTooLarge
        page.append(bson.decode(document.raw, records.codec_options))
    return page
