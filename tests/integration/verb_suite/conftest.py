"""One database for the whole suite, emptied after each test, and verbs as they are typed."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.integration.verb_suite.shop import Shop, restored, variables
from tests.verbs import RunVerb, verb_runner


@pytest.fixture(scope="session")
def standing_shop(mongo_uri: str) -> Iterator[Shop]:
    """Making its indexes takes longer than most tests."""
    shop = Shop(variables(mongo_uri, f"test_{uuid4().hex[:12]}"))
    yield shop
    shop.do(lambda database: database.client.drop_database(shop.settings.mongo.database))


@pytest.fixture
def shop(standing_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    standing_shop.set_variables(monkeypatch)
    standing_shop.prepare()
    yield standing_shop
    standing_shop.do(restored)


@pytest.fixture
def run_verb(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunVerb:
    return verb_runner(monkeypatch, capsys)


@pytest.fixture
def run(run_verb: RunVerb) -> RunVerb:
    """Runs `order-records quarantine` with these words."""
    return lambda *words: run_verb("quarantine", *words)
