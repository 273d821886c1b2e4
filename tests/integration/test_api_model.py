"""The API against a model of it: any calls in any order, while time passes and sweeps come by."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from typing import Any, Final, TypeVar

import pytest
import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from records.mongo.client import open_database
from records.mongo.configuration import enable_on_first_start
from records.mongo.indexes import build_indexes
from records.mongo.overdue import overdue
from records.mongo.search_indexes import SEARCH_INDEXES
from records.mongo.sweep import Action
from tests.api_model import ApiModel, shown
from tests.api_orders import NUMBERS, puts, respelled
from tests.api_service import Service, serving
from tests.api_walks import Asked, Walk, foretold, searches, whole_walk
from tests.search_model import WORDS

T = TypeVar("T")

_CALL_SECONDS: Final = 60
_WALKS: Final = 4
_ALL: Final = Asked({})
_MOST: Final = 500
_ALL_DUE: Final = 5000
_SWEEPS: Final = st.lists(st.sampled_from([Action.ANONYMIZE, Action.DELETE]), min_size=1, max_size=2)
_DATE: Final = {Action.ANONYMIZE: "gdprCleanupDate", Action.DELETE: "deletionDate"}
_KEYS: Final = st.sampled_from([None, None, "k1", "k2"])
_SIZES: Final = st.sampled_from([1, 2, 3, 5])
_TURNS: Final = st.tuples(st.sampled_from(["on", "on", "on", "back", "beyond"]), _SIZES)
_ANY: Final = st.integers(0, 999)
_LISTED: Final = st.fixed_dictionaries(
    {}, optional={"facilityRef": st.sampled_from(WORDS), "tenantOrderRecordId": st.sampled_from(NUMBERS)}
)


class ApiMachine(RuleBasedStateMachine):
    """Every answer is compared with the model's; what differs after a sweep, or repeats on a walk, shows."""

    service: Service
    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        super().__init__()
        self._model = ApiModel()
        self._sent: list[tuple[list[Any], str | None]] = []
        self._changed = True
        self._lists: list[Walk] = []
        self._searches: list[Walk] = []
        self._do(self.service.empty())

    def _do(self, call: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(call, self.loop).result(_CALL_SECONDS)

    @initialize(first=st.lists(puts(least=4), min_size=3, max_size=4))
    def orders_are_there(self, first: list[list[Any]]) -> None:
        for put in first:
            self.put(put, None)

    # What comes in

    @rule(put=puts(), key=_KEYS)
    def put(self, put: list[Any], key: str | None) -> None:
        self._sent.append((put, key))
        self._put(put, key)

    @rule(which=_ANY, twice=st.booleans())
    def put_again(self, *, which: int, twice: bool) -> None:
        put, key = self._sent[which % len(self._sent)]
        again = [respelled(operation) for operation in put]
        again += again[:1] if twice else []
        self._put(again, key)

    def _put(self, put: list[Any], key: str | None) -> None:
        self._changed = True
        self._model.check_put(put, key, self._do(self.service.put(put, key)))

    # What passes

    @rule(which=st.integers(-2, 3), beside=st.sampled_from([-1, 0, 0, 1]))
    def time_passes(self, which: int, beside: int) -> None:
        """Some hours, or until something comes due, to the millisecond."""
        ahead = self._model.dates_ahead()[: which + 1]
        until = ahead[-1] if ahead else self._model.now + timedelta(hours=12)
        self._model.now = max(self._model.now, until + timedelta(milliseconds=beside))
        self.service.clock.time = self._model.now
        self._changed = True

    @rule(actions=_SWEEPS, limit=st.sampled_from([1, 3, _ALL_DUE]))
    def sweeps_come_by(self, actions: list[Action], limit: int) -> None:
        for action in actions:
            changed = self._do(self.service.sweep(action, limit))
            assert changed.isdisjoint(self._model.not_due(_DATE[action]))
            if limit == _ALL_DUE:
                assert self._do(overdue(self.service.database, action, self._model.now)).count == 0
        self._changed = True

    # What is asked

    @rule(which=_ANY)
    def get(self, which: int) -> None:
        known = {each["_id"]: each for each in self._model.documents()}
        visible = {each["_id"]: each for each in self._model.found(_ALL.query)}
        identifier = [*known, "unknown"][which % (len(known) + 1)]
        answer = self._do(self.service.get(identifier))
        if identifier in visible:
            assert (answer.status_code, answer.json()) == (200, shown(visible[identifier]))
        else:
            assert answer.status_code == 404

    @rule(names=_LISTED, which=_ANY, sizes=st.lists(_SIZES, min_size=1, max_size=4))
    def list_on(self, names: dict[str, str], which: int, sizes: list[int]) -> None:
        walk = self._lists[which % _WALKS] if which % _WALKS < len(self._lists) else None
        if walk is None or walk.at_end:
            walk = Walk(Asked({name: {"eq": value} for name, value in names.items()}))
            self._lists = [walk, *self._lists][:_WALKS]
        for size in sizes:
            edge = walk.edge(forward=True)
            page = foretold(self._model, walk.asked, edge, size, forward=True)
            filters = {name: operand["eq"] for name, operand in walk.asked.query.items()}
            page.check_listed(
                self._do(self.service.list(startAfterId=edge and edge[-1], size=size, **filters))
            )
            walk.take(page, forward=True)

    @rule(asked=searches(), forward=st.booleans(), size=_SIZES)
    def begin_a_search(self, *, asked: Asked, forward: bool, size: int) -> None:
        self._searches = [Walk(asked), *self._searches][:_WALKS]
        self._turn(self._searches[0], size, forward=forward, with_total=True)

    @precondition(lambda self: self._searches)
    @rule(which=_ANY, turns=st.lists(_TURNS, min_size=1, max_size=6))
    def turn_pages(self, which: int, turns: list[tuple[str, int]]) -> None:
        walk = self._searches[which % len(self._searches)]
        for how, size in turns:
            self._turn(walk, size, forward=walk.direction(how))

    @rule(asked=searches(), forward=st.booleans(), size=_SIZES, put=puts(), which=st.integers(0, 3))
    def turn_pages_while_all_this_happens(
        self, *, asked: Asked, forward: bool, size: int, put: list[Any], which: int
    ) -> None:
        self.begin_a_search(asked=asked, forward=forward, size=size)
        self.put(put, None)
        self.time_passes(which, 0)
        self.everything_is_listed_once_by_id()
        self.sweeps_come_by([Action.DELETE, Action.ANONYMIZE], _ALL_DUE)
        self.everything_is_listed_once_by_id()
        while not self._searches[0].at_end:
            self._turn(self._searches[0], size, forward=forward)

    def _turn(self, walk: Walk, size: int, *, forward: bool, with_total: bool = False) -> None:
        page = foretold(self._model, walk.asked, walk.edge(forward=forward), size, forward=forward)
        answer = self._do(self.service.search(walk.request(size, forward=forward, with_total=with_total)))
        page.check_found(answer, with_total=with_total)
        walk.take(page, forward=forward, info=answer["pageInfo"])

    @rule(
        asked=searches(),
        forward=st.booleans(),
        size=st.sampled_from([2, 3, 8]),
        written=st.lists(puts(), max_size=4),
    )
    def others_write_while_pages_are_turned(
        self, *, asked: Asked, forward: bool, size: int, written: list[list[Any]]
    ) -> None:
        steady = [each[-1] for each, _ in asked.found(self._model)]

        async def at_once() -> tuple[list[str], list[Any]]:
            walking = whole_walk(self.service.search, asked, size, forward=forward)
            ids, answers, _ = await asyncio.gather(walking, self._put_all(written), self._sweep_all())
            return ids, answers

        self._changed = True
        ids, answers = self._do(at_once())
        for put, answer in zip(written, answers, strict=True):
            self._model.check_put(put, None, answer)
        assert [i for i in ids if i in set(steady)] == steady
        assert len(ids) == len(set(ids))
        assert set(ids) <= {each["_id"] for each in self._model.found(asked.query)}

    async def _put_all(self, written: list[list[Any]]) -> list[Any]:
        return [await self.service.put(put) for put in written]

    async def _sweep_all(self) -> None:
        for action in (Action.DELETE, Action.ANONYMIZE):
            while await self.service.sweep(action, 2):
                pass

    @invariant()
    def everything_is_listed_once_by_id(self) -> None:
        if not self._changed:
            return
        self._changed = False
        page = foretold(self._model, _ALL, None, _MOST, forward=True)
        page.check_listed(self._do(self.service.list(size=_MOST)))
        for walk in (*self._lists, *self._searches):
            walk.time_passed(self._model)


@pytest.fixture
async def service(mongo_uri: str, fresh_database: str) -> AsyncIterator[Service]:
    async with open_database(mongo_uri, fresh_database) as database:
        await build_indexes(database)
        await database.records.create_indexes(SEARCH_INDEXES)
        await enable_on_first_start(database, enabled=True)
        # Thousands of requests: without this a failure drowns in their lines.
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
        async with serving(database) as service:
            yield service
        structlog.reset_defaults()


@pytest.mark.parametrize("examples", [10, pytest.param(250, marks=pytest.mark.faults)])
async def test_the_api_answers_as_its_model_whatever_is_called_while_time_passes_and_sweeps_come_by(
    service: Service, examples: int
) -> None:
    loop = asyncio.get_running_loop()
    how = settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    bound = type("BoundApiMachine", (ApiMachine,), {"service": service, "loop": loop})
    await asyncio.to_thread(run_state_machine_as_test, bound, settings=how)
