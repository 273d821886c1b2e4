"""Which errors of MongoDB pass by themselves, and what is said of those that do not."""

from types import ModuleType

import pytest
from bson import errors as bson_errors
from bson.errors import BSONError, InvalidBSON, InvalidDocument, InvalidId, InvalidStringData
from pymongo import errors
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ClientBulkWriteException,
    CollectionInvalid,
    ConfigurationError,
    ConnectionFailure,
    CursorNotFound,
    DocumentTooLarge,
    DuplicateKeyError,
    EncryptedCollectionError,
    EncryptionError,
    ExecutionTimeout,
    InvalidName,
    InvalidOperation,
    InvalidURI,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    ProtocolError,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
    WriteError,
    WTimeoutError,
)

from records.mongo.client import open_database
from records.mongo.errors import StoreError, StoreForbidden, StoreUnavailable, describe, translated

CANARY = "Erika Mustermann"
TRANSIENT = [
    *(6, 7, 24, 43, 50, 64, 89, 91, 112, 133, 134, 150, 175, 189, 202, 237, 239, 246, 251, 262, 290, 462),
    *(9001, 10107, 11600, 11601, 11602, 13388, 13435, 13436, 14031),
]
LABELS = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")


def bulk(*codes: int, unconfirmed: bool = False) -> BulkWriteError:
    concern = [{"code": 64, "errmsg": CANARY}] if unconfirmed else []
    errors = [{"code": code, "errmsg": CANARY} for code in codes]
    return BulkWriteError({"writeErrors": errors, "writeConcernErrors": concern})


def heard(error: Exception) -> StoreError:
    with pytest.raises(StoreError) as told, translated():
        raise error
    assert CANARY not in str(told.value)
    return told.value


WAIT = [
    *(OperationFailure(CANARY, code) for code in TRANSIENT),
    *(bulk(code) for code in TRANSIENT),
    bulk(121, unconfirmed=True),
    *(WriteConcernError(CANARY, code) for code in (64, 79, 100)),
    WTimeoutError(CANARY, 100),
    ExecutionTimeout(CANARY, 50),
    CursorNotFound(CANARY, 43),
    *(OperationFailure(CANARY, code, {"errorLabels": [label]}) for code, label in enumerate(LABELS, 1)),
    ConnectionFailure(CANARY),
    AutoReconnect(CANARY),
    NetworkTimeout(CANARY),
    NotPrimaryError(CANARY),
    ServerSelectionTimeoutError(CANARY),
    WaitQueueTimeoutError(CANARY),
    errors._OperationCancelled(CANARY),
    ConfigurationError(CANARY),
    InvalidURI(CANARY),
]
APART = [
    *(OperationFailure(CANARY, code) for code in (1, 2, 8, 11, 13, 15, 18, 22, 121, 257, 263, 10334, 17280)),
    OperationFailure(CANARY),
    *(bulk(code) for code in (2, 121, 10334, 11000)),
    WriteError(CANARY, 121),
    DuplicateKeyError(CANARY, 11000),
    ClientBulkWriteException({"error": None, "writeErrors": [], "writeConcernErrors": []}, verbose=False),
    PyMongoError(CANARY),
    ProtocolError(CANARY),
    InvalidOperation(CANARY),
    InvalidName(CANARY),
    CollectionInvalid(CANARY),
    EncryptionError(ValueError(CANARY)),
    EncryptedCollectionError(ValueError(CANARY), {}),
    DocumentTooLarge(CANARY),
    BSONError(CANARY),
    InvalidBSON(CANARY),
    InvalidDocument(CANARY),
    InvalidId(CANARY),
    InvalidStringData(CANARY),
]


def told(error: Exception) -> str:
    return describe(error) if isinstance(error, PyMongoError) else type(error).__name__


@pytest.mark.parametrize("error", WAIT, ids=told)
def test_waiting_helps(error: Exception) -> None:
    assert isinstance(heard(error), StoreUnavailable)


@pytest.mark.parametrize("error", APART, ids=told)
def test_waiting_does_not_help_so_the_documents_are_tried_apart(error: Exception) -> None:
    assert not isinstance(heard(error), StoreUnavailable)


@pytest.mark.parametrize("code", [11, 13, 18, 31, 391, 8000])
def test_a_right_that_is_missing_is_no_fault_of_a_document(code: int) -> None:
    assert isinstance(heard(OperationFailure(CANARY, code)), StoreForbidden)
    assert isinstance(heard(bulk(code)), StoreForbidden)


def test_a_deadline_of_ours_is_worth_waiting() -> None:
    with pytest.raises(StoreUnavailable), translated():
        raise TimeoutError


@pytest.mark.parametrize("module", [errors, bson_errors])
def test_every_class_of_error_that_a_driver_has_is_judged_in_these_tables(module: ModuleType) -> None:
    judged = {type(error) for error in (*WAIT, *APART)}
    classes = {each for each in vars(module).values() if isinstance(each, type)}
    assert {each for each in classes if issubclass(each, PyMongoError | BSONError)} <= judged


def test_the_codes_are_named() -> None:
    assert str(heard(bulk(121, 11000, 121))) == "BulkWriteError 121,11000"
    assert str(heard(OperationFailure(CANARY, 13))) == "OperationFailure 13"


@pytest.mark.parametrize("address", ["localhost:abc", "shop:secret@localhost:abc", "localhost:99999999"])
async def test_an_address_that_nobody_can_read_is_one_clear_error(address: str) -> None:
    with pytest.raises(StoreError, match="connection string") as told:
        async with open_database(f"mongodb://{address}", "shop"):
            pass
    assert "secret" not in str(told.value)
