"""The last step of bringing back what the trail knows: policy, `n` and audit event, and the verdict goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from records.mongo import outbox
from records.mongo.client import Database, Session
from records.mongo.lease import Lease
from records.mongo.policies import PastPolicy, bring_back, policy_within
from records.mongo.reapply import COUNTS
from records.mongo.restored import HEARTBEAT, RESTORE, heartbeat
from records.mongo.transaction import in_transaction
from records.policy import DateRules
from records.policy_document import policy_digest
from records.reapply import Brought

REAPPLIED: Final = "ledger.reapplied"


@dataclass(frozen=True)
class Ending:
    """What is left to do once all of the trail was retold.

    `twice` are outbox entries whose number was given to another batch, and that nobody has sent, in their
    order; `rewound`: whether the consumer group was set back.
    """

    n: int
    policies: Sequence[PastPolicy]
    policy_version: int
    twice: Sequence[str]
    rewound: bool
    actor: str
    build: str
    rules: DateRules


@dataclass(frozen=True)
class Ended:
    """What was brought back in all; `changed` is false where there was nothing to bring back."""

    brought: Brought
    n: int
    policy: bool
    changed: bool


async def finish(database: Database, lease: Lease, ending: Ending) -> Ended:
    """Does it in one transaction, fenced by the lease.

    Raises LeaseLost, StoreUnavailable, StoreError.
    """
    body = partial(_finish, database=database, ending=ending, lease=lease)
    return await in_transaction(database, body, session=lease.session)


async def _finish(session: Session, *, database: Database, ending: Ending, lease: Lease) -> Ended:
    wanted = ending.n + len(ending.twice)
    before = await lease.raise_to(session, wanted)
    n, raised = max(before, wanted), before < wanted
    for place in range(len(ending.twice) - 1, -1, -1):  # from the last, since no two may have one number
        renumbered = {"$set": {"n": ending.n + 1 + place}}
        await database.outbox.update_one({"_id": ending.twice[place]}, renumbered, session=session)
    policy = await bring_back(database, session, ending.policies, ending.policy_version)
    verdict = await database.state.find_one({"_id": RESTORE}, session=session) or {}
    brought = Brought(**{name: verdict.get("counts", {}).get(name, 0) for name in COUNTS})
    changed = bool(brought) or raised or bool(ending.twice) or policy or ending.rewound
    if changed:
        await _announce(database, session, ending, brought, n, policy=policy)
    await database.state.delete_one({"_id": RESTORE}, session=session)
    beat = heartbeat(compared=True)
    await database.state.update_one({"_id": HEARTBEAT}, beat, upsert=True, session=session)
    return Ended(brought, n, policy, changed)


async def _announce(
    database: Database, session: Session, ending: Ending, brought: Brought, n: int, *, policy: bool
) -> None:
    in_force = await policy_within(database, session)
    stamp = outbox.Stamp(ending.build, in_force.version, policy_digest(in_force, ending.rules))
    item = [brought.ids, brought.dates, brought.entries, policy, n, ending.actor]
    await outbox.append(database, session, REAPPLIED, None, [item], stamp)
