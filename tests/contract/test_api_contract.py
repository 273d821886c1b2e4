"""The API's document against the contract: what it lacks, what it has beyond, and where it differs, is said.

Held in both directions, so that neither a forgotten member nor one that nobody decided on goes unseen.
"""

from collections.abc import Iterator

import pytest

from tests.contract.api_contract import (
    DIFFERENT,
    LACKING,
    MEMBERS_BEYOND,
    OPERATIONS,
    OPERATIONS_BEYOND,
    SCHEMAS,
    SCHEMAS_BEYOND,
    STATUSES_BEYOND,
    Operation,
)
from tests.contract.document import members, operations, parameters, schemas, shape_of

CONTRACTED = OPERATIONS | {name: operation for name, (operation, _) in OPERATIONS_BEYOND.items()}
SHAPED = SCHEMAS | {name: shape for name, (shape, _) in SCHEMAS_BEYOND.items()}


def decided(holder: str, contracted: dict[str, str]) -> dict[str, str]:
    """The members of a schema, or the parameters of an operation, as they are to be with us."""
    found = {
        name: DIFFERENT.get(f"{holder} {name}", (kind,))[0]
        for name, kind in contracted.items()
        if f"{holder} {name}" not in LACKING
    }
    return found | {
        key.removeprefix(f"{holder} "): kind
        for key, (kind, _) in MEMBERS_BEYOND.items()
        if key.startswith(f"{holder} ")
    }


def statuses(name: str, operation: Operation) -> dict[int, str]:
    """The statuses of an operation as they are to be with us, with the schemas of their bodies."""
    beyond = {status for status, (names, _) in STATUSES_BEYOND.items() if name in names}
    errors = {status for status in operation.errors if f"{name} {status}" not in LACKING}
    return operation.answers | dict.fromkeys(errors | beyond, "ApiError")


def facts() -> Iterator[str]:
    """Everything that the contract's tables say, as the tables of differences name it."""
    for name, operation in OPERATIONS.items():
        yield from (f"{name} {parameter}" for parameter in operation.parameters)
        yield from (f"{name} {status}" for status in operation.errors)
    for name, shape in SCHEMAS.items():
        yield from (f"{name} {member}" for member in shape)


def test_the_operations_are_the_contracts_and_those_that_we_add() -> None:
    assert {name: each["call"] for name, each in operations().items()} == {
        name: each.call for name, each in CONTRACTED.items()
    }


@pytest.mark.parametrize("name", CONTRACTED)
def test_an_operation_takes_what_the_contract_says(name: str) -> None:
    operation, found = CONTRACTED[name], operations()[name]

    assert parameters(found) == decided(name, operation.parameters)
    body = found.get("requestBody")
    assert (shape_of(body) if body else None) == operation.body
    assert body is None or body["required"]
    assert found["security"] == [{"bearer": [operation.permission]}]


@pytest.mark.parametrize("name", CONTRACTED)
def test_an_operation_answers_the_statuses_of_the_contract_and_those_that_we_add(name: str) -> None:
    found = operations()[name]["responses"]

    assert {int(status): shape_of(each) for status, each in found.items()} == statuses(name, CONTRACTED[name])


def test_the_schemas_are_the_contracts_and_those_that_we_add() -> None:
    assert set(schemas()) == set(SHAPED)


@pytest.mark.parametrize("name", SHAPED)
def test_a_schema_is_the_contracts_member_by_member(name: str) -> None:
    assert members(schemas()[name]) == decided(name, SHAPED[name])


def test_every_difference_is_from_something_that_the_contract_says() -> None:
    said = set(facts())

    assert set(DIFFERENT) <= said
    assert set(LACKING) <= said
    assert not set(MEMBERS_BEYOND) & said
    assert not set(OPERATIONS_BEYOND) & set(OPERATIONS)
    assert not set(SCHEMAS_BEYOND) & set(SCHEMAS)
    for status, (names, _) in STATUSES_BEYOND.items():
        assert not [name for name in names if name in OPERATIONS and status in OPERATIONS[name].errors]


@pytest.mark.parametrize("key", DIFFERENT)
def test_what_is_said_to_differ_does(key: str) -> None:
    holder, _, name = key.partition(" ")
    contracted = SCHEMAS[holder] if holder in SCHEMAS else OPERATIONS[holder].parameters

    assert contracted[name] != DIFFERENT[key][0]
