"""What the rest of the house hears of a driver's errors: never a document, since those name people."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bson.errors import BSONError
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)

_TRANSIENT_LABELS: Final = (
    "TransientTransactionError",
    "UnknownTransactionCommitResult",
    "RetryableWriteError",
)
_TRANSIENT_CODES: Final = frozenset(
    {6, 7, 24, 43, 50, 64, 89, 91, 112, 133, 134, 150, 175, 189, 202, 237, 239, 246, 251, 262, 290, 462}
    | {9001, 10107, 11600, 11601, 11602, 13388, 13435, 13436, 14031}
)
"""Elections, shutdowns, lost hosts, deadlines, write conflicts, stale routing, a full disk, too many
requests, and what the server ended in the middle (a cursor, a plan, an operation, a snapshot, a transaction):
no driver labels them everywhere."""
_FORBIDDEN_CODES: Final = frozenset({11, 13, 18, 31, 391, 8000})
"""An unknown user or role, a wrong password, a right that is missing."""
_TRANSIENT_CLASSES: Final = (ConnectionFailure, ConfigurationError)
"""No connection, or none to be had: a name server that does not answer makes a ConfigurationError."""


class StoreError(Exception):
    """MongoDB did not do what was asked; the message names error class and codes, and no document."""


class StoreUnavailable(StoreError):
    """MongoDB cannot be reached, has no primary, or took longer than the deadline: try again later."""


class StoreForbidden(StoreError):
    """MongoDB does not let this user do it: no document is to blame, and somebody has to grant the right."""


class LeaseLost(StoreError):
    """Another worker leads; nothing was changed."""


@contextmanager
def translated() -> Iterator[None]:
    """Turns driver errors into StoreError, or StoreUnavailable where waiting may help.

    A document that is at fault, and every error that nobody knows, is a StoreError: whoever stores several
    documents at once tries them apart to find out.
    """
    try:
        yield
    except TimeoutError:
        raise StoreUnavailable("deadline exceeded") from None
    except PyMongoError as error:
        raise _kind(error)(describe(error)) from None
    except BSONError as error:  # its text holds the value
        raise StoreError(type(error).__name__) from None


def describe(error: PyMongoError) -> str:
    """Class and codes of a driver error, without its text: the text may hold documents."""
    codes = ",".join(map(str, sorted(_codes(error))))
    return f"{type(error).__name__} {codes}" if codes else type(error).__name__


def _kind(error: PyMongoError) -> type[StoreError]:
    if _transient(error):
        return StoreUnavailable
    return StoreError if _FORBIDDEN_CODES.isdisjoint(_codes(error)) else StoreForbidden


def _codes(error: PyMongoError) -> set[int]:
    if isinstance(error, BulkWriteError):
        details = error.details
        failed = [*details.get("writeErrors", ()), *details.get("writeConcernErrors", ())]
        return {int(each.get("code", 0)) for each in failed}
    code = error.code if isinstance(error, OperationFailure) else None
    return set() if code is None else {code}


def _transient(error: PyMongoError) -> bool:
    if isinstance(error, _TRANSIENT_CLASSES):
        return True
    unconfirmed = isinstance(error, WriteConcernError) or (
        isinstance(error, BulkWriteError) and bool(error.details.get("writeConcernErrors"))
    )
    labelled = any(error.has_error_label(label) for label in _TRANSIENT_LABELS)
    return error.timeout or unconfirmed or labelled or not _TRANSIENT_CODES.isdisjoint(_codes(error))
