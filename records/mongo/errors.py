"""What the rest of the house hears of a driver's errors: never a document, since those name people."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError


class StoreError(Exception):
    """MongoDB did not do what was asked; the message names error class and codes, and no document."""


class StoreUnavailable(StoreError):
    """MongoDB cannot be reached, has no primary, or took longer than the deadline: try again later."""


class LeaseLost(StoreError):
    """Another worker leads; nothing was changed."""


@contextmanager
def translated() -> Iterator[None]:
    """Turns driver errors into StoreError, or StoreUnavailable where waiting may help."""
    try:
        yield
    except TimeoutError:
        raise StoreUnavailable("deadline exceeded") from None
    except PyMongoError as error:
        kind = (
            StoreError if isinstance(error, OperationFailure) and not _transient(error) else StoreUnavailable
        )
        raise kind(describe(error)) from None


def describe(error: PyMongoError) -> str:
    """Class and codes of a driver error, without its text: the text may hold documents."""
    codes = _codes(error)
    return f"{type(error).__name__} {codes}" if codes else type(error).__name__


def _codes(error: PyMongoError) -> str:
    if isinstance(error, BulkWriteError):
        return ",".join(sorted({str(e.get("code")) for e in error.details.get("writeErrors", ())}))
    return str(error.code) if isinstance(error, OperationFailure) else ""


def _transient(error: PyMongoError) -> bool:
    labels = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")
    return error.timeout or any(error.has_error_label(label) for label in labels)
