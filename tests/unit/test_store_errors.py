"""Which errors of MongoDB pass by themselves, and what is said of those that do not."""

import pytest
from pymongo.errors import (
    BulkWriteError,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WTimeoutError,
)

from records.mongo.client import open_database
from records.mongo.errors import StoreError, StoreUnavailable, describe, translated

CANARY = "Erika Mustermann"
TRANSIENT = [
    *(6, 7, 43, 50, 64, 89, 91, 112, 134, 175, 189, 237, 239, 246, 251, 262, 290),
    *(9001, 10107, 11600, 11601, 11602, 13435, 13436),
]


def bulk(*codes: int, unconfirmed: bool = False) -> BulkWriteError:
    concern = [{"code": 64, "errmsg": CANARY}] if unconfirmed else []
    errors = [{"code": code, "errmsg": CANARY} for code in codes]
    return BulkWriteError({"writeErrors": errors, "writeConcernErrors": concern})


def heard(error: PyMongoError) -> StoreError:
    with pytest.raises(StoreError) as told, translated():
        raise error
    assert CANARY not in str(told.value)
    return told.value


@pytest.mark.parametrize(
    "error",
    [
        *(OperationFailure(CANARY, code) for code in TRANSIENT),
        *(bulk(code) for code in TRANSIENT),
        bulk(121, unconfirmed=True),
        WTimeoutError(CANARY, 100),
        ServerSelectionTimeoutError(CANARY),
        InvalidURI(CANARY),
    ],
    ids=describe,
)
def test_waiting_helps(error: PyMongoError) -> None:
    assert isinstance(heard(error), StoreUnavailable)


@pytest.mark.parametrize(
    "error", [OperationFailure(CANARY, 2), OperationFailure(CANARY), bulk(121)], ids=describe
)
def test_waiting_does_not_help(error: PyMongoError) -> None:
    assert not isinstance(heard(error), StoreUnavailable)


def test_the_codes_are_named() -> None:
    assert str(heard(bulk(121, 11000, 121))) == "BulkWriteError 121,11000"
    assert str(heard(OperationFailure(CANARY, 13))) == "OperationFailure 13"


@pytest.mark.parametrize("address", ["localhost:abc", "shop:secret@localhost:abc", "localhost:99999999"])
async def test_an_address_that_nobody_can_read_is_one_clear_error(address: str) -> None:
    with pytest.raises(StoreError, match="connection string") as told:
        async with open_database(f"mongodb://{address}", "shop"):
            pass
    assert "secret" not in str(told.value)
