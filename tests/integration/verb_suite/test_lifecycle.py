"""`order-records lifecycle preview` and `recompute`: what a person sees and does, with a real database."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from audit.events import AuditEvent
from records.mongo.client import Database
from records.mongo.indexes import build_indexes
from records.mongo.policies import change_policy, gdpr_policy
from records.mongo.restored import Ahead
from records.policy import DateRules, GdprPolicy
from tests.integration.verb_suite.shop import HOUR, Shop, one_line, orders
from tests.running_restore import refused
from tests.verbs import RunVerb

EVENT: TypeAdapter[Any] = TypeAdapter(AuditEvent)
DAY = timedelta(days=1)


@pytest.fixture
def lifecycle(run_verb: RunVerb) -> RunVerb:
    """Runs `order-records lifecycle` with these words."""
    return lambda *words: run_verb("lifecycle", *words)


def put_policy(shop: Shop, retention: int, deletion: int, *, age: timedelta = HOUR) -> GdprPolicy:
    """Changes the policy, as if it had been done so long ago."""

    async def put(database: Database) -> GdprPolicy:
        wanted = replace(
            await gdpr_policy(database), retention_time=retention, deletion_time_after_retention=deletion
        )
        changed = await change_policy(database, wanted, shop.keys.pseudonym("eve"), "1.2.3", DateRules())
        await database.state.update_one({"_id": "gdpr"}, {"$set": {"lastModified": datetime.now(UTC) - age}})
        return changed

    return shop.do(put)


def day(ahead: timedelta) -> str:
    return (datetime.now(UTC) + ahead).date().isoformat()


def recomputed(shop: Shop) -> list[Any]:
    found = [EVENT.validate_json(value) for value in shop.audit_events()]
    return [each for each in found if each.type == "order-records.dates.recomputed.v1"]


def test_the_preview_says_what_falls_due_by_day_and_what_a_policy_would_move(
    shop: Shop, lifecycle: RunVerb
) -> None:
    shop.take(orders(3, age=DAY))
    shop.take(orders(2, first=10, age=40 * DAY))

    seen = lifecycle("preview", "--json", "--days", "40", "--retention-time", "1").json

    assert seen["policy"] == {"version": 0, "retentionTime": 30, "deletionTimeAfterRetention": 180}
    assert sum(seen["anonymize"]["dueByDay"].values()) == 3
    assert set(seen["anonymize"]["dueByDay"]) <= {day(29 * DAY), day(28 * DAY), day(29 * DAY + HOUR)}
    assert (seen["anonymize"]["overdue"], seen["delete"]) == (2, {"overdue": 0, "dueByDay": {}})
    plan = seen["plan"]
    assert plan["policy"] == {"version": 1, "retentionTime": 1, "deletionTimeAfterRetention": 180}
    assert (plan["movedEarlier"], plan["dueAtOnce"], plan["unchanged"]) == (3, 3, 2)
    assert (plan["movedLater"], plan["bySender"], plan["dueForDeletion"], plan["malformed"]) == (0, 0, 0, 0)
    assert (seen["belowPolicy"], shop.rows("outbox")) == (0, [])


def test_the_preview_on_a_terminal_has_a_line_a_day_and_the_digest(shop: Shop, lifecycle: RunVerb) -> None:
    shop.take(orders(3, age=DAY))
    digest = lifecycle("preview", "--json", "--retention-time", "14").json["plan"]["digest"]

    printed = lifecycle("preview", "--days", "30", "--retention-time", "14")

    assert printed.code == 0
    lines = printed.out.splitlines()
    days = [line.split()[0] for line in lines if line[:2] == "20" and line[4] == "-"]
    assert days == [day(number * DAY) for number in range(31)]
    assert any("█" in line for line in lines)
    assert lines[-1] == (
        f"To do this, once the policy is so: order-records lifecycle recompute --confirm {digest}"
    )
    assert "What if  version 1: 14 days to clean-up, then 180 to deletion" in lines


def test_preview_put_and_recompute_go_together(shop: Shop, lifecycle: RunVerb) -> None:
    shop.take(orders(5, age=DAY))
    digest = lifecycle("preview", "--json", "--retention-time", "14", "--deletion-time", "20").json["plan"][
        "digest"
    ]
    too_early = lifecycle("recompute", "--confirm", digest)
    assert "is not that of the policy in force, version 0" in one_line(too_early)
    put_policy(shop, 14, 20)
    assert lifecycle("preview", "--json").json["belowPolicy"] == 5

    done = lifecycle("recompute", "--confirm", digest, "--actor", "ann", "--json").json

    assert done == {
        "policy": {"version": 1, "retentionTime": 14, "deletionTimeAfterRetention": 20},
        "complete": True,
        "records": 5,
        "movedEarlier": 5,
        "movedLater": 0,
        "unchanged": 0,
        "dueAtOnce": 0,
        "dueForDeletion": 0,
        "malformed": 0,
    }
    for record in shop.rows("records"):
        assert record["gdprCleanupDate"] - record["created"] == 14 * DAY
        assert record["deletionDate"] - record["gdprCleanupDate"] == 20 * DAY
    (event,) = recomputed(shop)
    assert (event.data.records, event.data.moved_earlier, event.data.policy_version) == (5, 5, 1)
    assert event.data.actor == shop.keys.pseudonym("ann")
    again = lifecycle("recompute", "--confirm", digest, "--json").json
    assert (again["records"], len(recomputed(shop))) == (0, 1)


def test_without_a_confirmation_it_prints_the_plan_and_the_line_to_type(
    shop: Shop, lifecycle: RunVerb
) -> None:
    shop.take(orders(2, age=DAY))
    put_policy(shop, 14, 20)

    printed = lifecycle("recompute")
    as_json = lifecycle("recompute", "--json")

    assert (printed.code, as_json.code) == (64, 64)
    digest = as_json.json["plan"]["digest"]
    assert as_json.json["plan"]["movedEarlier"] == 2
    assert f"order-records lifecycle recompute --confirm {digest}" in printed.err
    assert "moved earlier" in printed.out
    assert (recomputed(shop), {r["version"] for r in shop.rows("records")}) == ([], {1})
    assert lifecycle("preview", "--json").json["plan"]["digest"] == digest


def test_any_change_of_the_policy_in_between_makes_the_digest_stale(shop: Shop, lifecycle: RunVerb) -> None:
    shop.take(orders(2, age=DAY))
    put_policy(shop, 14, 20)
    digest = lifecycle("preview", "--json").json["plan"]["digest"]
    for days in (15, 14):
        put_policy(shop, days, 20)

    refused = one_line(lifecycle("recompute", "--confirm", digest))

    assert "order-records lifecycle preview" in refused
    assert recomputed(shop) == []


def test_the_same_numbers_are_no_other_policy(shop: Shop, lifecycle: RunVerb) -> None:
    put_policy(shop, 14, 20)
    as_it_is = lifecycle("preview", "--json").json["plan"]
    same = lifecycle("preview", "--json", "--retention-time", "14", "--deletion-time", "20").json["plan"]
    assert same == as_it_is


def test_a_backup_that_was_put_back_is_mended_first(shop: Shop, lifecycle: RunVerb) -> None:
    shop.take(orders(2, age=DAY))
    put_policy(shop, 14, 20)
    digest = lifecycle("preview", "--json").json["plan"]["digest"]
    shop.do(lambda database: refused(database, Ahead("AHEAD", "audit", 9, 3, 4, 1), "order-records"))

    assert "lifecycle reapply" in one_line(lifecycle("recompute", "--confirm", digest))
    assert recomputed(shop) == []


def test_wrong_calls_are_said_so(shop: Shop, lifecycle: RunVerb) -> None:
    for words in (
        ("preview", "--days", "0"),
        ("preview", "--days", "367"),
        ("preview", "--retention-time", "0"),
        ("preview", "--deletion-time", "36501"),
        ("preview", "--seconds", "0"),
        ("recompute", "--confirm"),
    ):
        assert lifecycle(*words).code == 64


def test_every_lifecycle_verb_has_its_help_with_an_example(lifecycle: RunVerb) -> None:
    for verb in ("preview", "recompute"):
        printed = lifecycle(verb, "--help")
        assert printed.code == 0
        assert f"order-records lifecycle {verb}" in printed.out


def test_a_database_without_the_index_is_refused_and_not_scanned(shop: Shop, lifecycle: RunVerb) -> None:
    async def dropped(database: Database) -> None:
        await database.records.drop_index("by_policy")

    shop.do(dropped)
    try:
        assert "records.by_policy" in one_line(lifecycle("preview"))
    finally:
        shop.do(lambda database: build_indexes(database, search=False))


DYING = """
import os
from cli.main import main
from records.mongo import recompute

recompute.BATCH = 7
batch, begun = recompute.Recompute._batch, []

async def dying(self, place, size):
    begun.append(place)
    if len(begun) == 4:
        os.kill(os.getpid(), {signal})
    return await batch(self, place, size)

recompute.Recompute._batch = dying
main()
"""


@pytest.mark.parametrize(
    ("how", "code"), [(signal.SIGKILL, -9), pytest.param(signal.SIGTERM, 130, marks=pytest.mark.faults)]
)
def test_one_that_is_ended_between_batches_is_brought_to_its_end_by_the_next(
    shop: Shop, lifecycle: RunVerb, how: signal.Signals, code: int
) -> None:
    shop.take(orders(60, age=DAY))
    put_policy(shop, 14, 20)
    digest = lifecycle("preview", "--json").json["plan"]["digest"]

    ended = subprocess.run(  # noqa: S603 - the program is ours
        [sys.executable, "-c", DYING.format(signal=int(how)), "lifecycle", "recompute", "--confirm", digest],
        env={**os.environ, **shop.variables},
        capture_output=True,
        timeout=60,
        check=False,
    )
    before = sum(event.data.records for event in recomputed(shop))
    lifecycle("recompute", "--confirm", digest)

    assert ended.returncode == code
    assert before in {21, 28}  # SIGTERM may let the batch in hand come to its end
    assert {record["version"] for record in shop.rows("records")} == {2}
    assert {record["policyVersion"] for record in shop.rows("records")} == {1}
    events = [event.data for event in recomputed(shop)]
    assert sum(data.records for data in events) == sum(data.moved_earlier for data in events) == 60
