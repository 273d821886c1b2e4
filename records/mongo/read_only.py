"""A database that can be asked and not changed: for whoever only wants to know what would happen."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from pymongo.asynchronous.cursor import AsyncCursor

from records.mongo.client import Collection, Database, Document, Session, settle

_WRITING: Final = frozenset({"$out", "$merge"})


class ReadOnlyCollection:
    """The reads of a collection, by the driver's names."""

    def __init__(self, collection: Collection) -> None:
        self._collection: Final = collection

    def find(self, query: Mapping[str, Any], *projection: Any, **options: Any) -> AsyncCursor[Document]:
        """As the driver's."""
        return self._collection.find(query, *projection, **options)

    async def find_one(
        self,
        query: Mapping[str, Any],
        projection: Mapping[str, Any] | None = None,
        session: Session | None = None,
    ) -> Document | None:
        """As the driver's."""
        return await self._collection.find_one(query, projection, session=session)

    async def count(self, query: Mapping[str, Any], hint: str, **options: Any) -> int:
        """How many match, exactly. On shards the driver's own way counts what is being moved once."""
        return await self._collection.count_documents(query, hint=hint, **options)

    async def aggregate(self, pipeline: Sequence[Document], **options: Any) -> AsyncIterator[Document]:
        """The results of a pipeline. Raises ValueError for one that would write."""
        if any(_WRITING & stage.keys() for stage in pipeline):
            raise ValueError("a pipeline of a read-only database writes nothing")
        cursor = await settle(self._collection.aggregate(list(pipeline), **options))
        async for document in cursor:
            yield document


class ReadOnly:
    """One database to read in; it has no call that writes, so that a write is an error of types."""

    def __init__(self, database: Database) -> None:
        self.records: Final = ReadOnlyCollection(database.records)
        self.state: Final = ReadOnlyCollection(database.state)
