"""JSON in a file that others have made: parsed in memory that is in proportion to the file."""

from pathlib import Path
from typing import TypeVar

import orjson
from pydantic import BaseModel

from runtime.regular_files import read_bounded

_M = TypeVar("_M", bound=BaseModel)


def read_model(model: type[_M], path: Path, most: int) -> _M:
    """What a file of at most so many bytes holds. Raises OSError, and ValueError for what is no such thing.

    pydantic's own parser copies the whole input into each error of a member that is missing: a hostile file
    of two megabytes took one gigabyte.
    """
    return model.model_validate(orjson.loads(read_bounded(path, most)))
