"""A verb leads while it works; where another one led meanwhile, or numbers went back, it does not go on."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import pytest

from cli.leading import leading
from records.mongo.client import Database
from records.mongo.errors import LeaseLost, StoreForbidden
from records.mongo.lease import Lease
from records.mongo.transaction import in_transaction
from runtime.errors import UserError
from runtime.settings import Settings, load_settings
from tests.e2e.deployment import until
from tests.integration.store_suite.data import Failing

DEADLINE: Final = 10.0
TICK: Final = 0.2


@pytest.fixture
def settings() -> Settings:
    """With a lease that is renewed more often than one may set."""
    settings = load_settings({})
    worker = settings.worker.model_copy(update={"lease_seconds": 3 * TICK})
    return settings.model_copy(update={"worker": worker})


class Answers:
    """What every call for the lease came to."""

    def __init__(self) -> None:
        self.given: list[bool | str] = []

    async def more(self, count: int) -> list[bool | str]:
        """The next ones."""
        so_far = len(self.given)

        async def there() -> bool:
            return len(self.given) >= so_far + count

        await until(there, DEADLINE, f"{count} more calls for the lease")
        return self.given[so_far:]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    answers, acquire = Answers(), Lease.acquire

    async def noted(lease: Lease) -> bool:
        answer: bool | str = "failed"
        try:
            answer = await acquire(lease)
        except Exception as error:
            answer = type(error).__name__
            raise
        finally:
            answers.given.append(answer)
        return answer

    monkeypatch.setattr(Lease, "acquire", noted)
    return answers


async def change(database: Database, **values: Any) -> None:
    done = await database.state.update_one({"_id": "lease"}, {"$set": values})
    assert done.matched_count == 1


async def test_a_verb_that_stood_still_while_a_worker_led_does_not_go_on(
    database: Database, settings: Settings, answers: Answers
) -> None:
    async with leading(settings, database) as lease:
        await change(database, owner="worker", expires=datetime(1970, 1, 1, tzinfo=UTC))
        await answers.more(1)
        await asyncio.sleep(4 * TICK)
        assert answers.given[-1] is False
        with pytest.raises(LeaseLost):
            await in_transaction(database, partial(lease.raise_to, n=0), session=lease.session)


async def test_numbers_that_went_back_are_seen(
    database: Database, settings: Settings, answers: Answers
) -> None:
    async def verb() -> None:
        async with leading(settings, database):
            await change(database, n=7)
            assert await answers.more(2) == ["StoreUnavailable", "SequenceLost"]

    async with leading(settings, database):
        await change(database, n=8)
    with pytest.raises(UserError, match="the sequence number of sweeps went back"):
        await verb()
    async with leading(settings, database):
        assert await answers.more(2) == [True, True]


async def test_it_leads_on_after_what_passes_and_what_does_not_pass_is_seen(
    breakable: Database, settings: Settings, answers: Answers, failing: Failing
) -> None:
    async def verb() -> None:
        async with leading(settings, breakable):
            with failing("find", {"times": 1}, errorCode=13):
                await answers.more(1)

    async with leading(settings, breakable) as lease:
        with failing("find", {"times": 1}, errorCode=50):
            await answers.more(2)
        await in_transaction(breakable, partial(lease.raise_to, n=0), session=lease.session)
    assert "StoreUnavailable" in answers.given
    with pytest.raises(StoreForbidden):
        await verb()
    async with leading(settings, breakable):
        assert await answers.more(2) == [True, True]
