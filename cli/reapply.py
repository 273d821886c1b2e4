"""Bringing a database that was put back to where its trail is: the steps of `lifecycle reapply`."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from audit.comparison import Verdict
from audit.retold import Part, PolicyTold, Retold
from audit.templates import event_id
from cli.reapply_trail import Trail, lacking
from records.mongo.client import Database
from records.mongo.judgement import stand, unsent_erasures
from records.mongo.lease import Lease
from records.mongo.policies import PastPolicy, gdpr_policy
from records.mongo.read_positions import remembered
from records.mongo.reapply import MAX_PART, Reapply, keep_out, reapply
from records.mongo.reapply_end import Ending, finish
from records.mongo.restored import Ahead, service
from records.policy import DateRules, GdprPolicy
from records.quarantine import Position
from records.reapply import Brought, GivenUp, live_longer, read_from
from runtime.errors import UserError
from runtime.group_rewind import OrderGroup, order_group, rewind, timestamps
from runtime.process import build
from runtime.settings import Settings

MARGIN: Final = timedelta(hours=1)
"""A dump of a running database holds the state of its end beside records of its beginning."""
_GAPS: Final = (
    "nothing was changed, for some of the trail is not there: {gaps}. Name the exports that have it, too "
    "(`order-records lifecycle reapply FOLDER ...`); where there are none, go on without it by --accept-gaps"
)
Progress = Callable[[str, int, int], None]
"""Is told what is done, and how much of how many."""


@dataclass
class Report:
    """What was brought back; dry, what would be."""

    dry: bool
    events: int = 0
    unreadable: int = 0
    gaps: list[str] = field(default_factory=list)
    """What of the trail is not there, in words."""
    moved_later: int = 0
    """Records whose dates were moved later after the backup; in it they are as they were."""
    brought: Brought = field(default_factory=Brought)
    replay_again: int = 0
    offsets: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By partition: what the group had committed, and where it reads on."""
    policy: bool = False
    policy_version: int = 0
    policy_known: bool = True
    n: int = 0
    changed: bool = False

    def facts(self) -> dict[str, Any]:
        """By the names that `--json` uses."""
        return {
            "dryRun": self.dry,
            "changed": self.changed,
            "auditEvents": self.events,
            "unreadable": self.unreadable,
            "notCovered": self.gaps,
            "ids": self.brought.ids,
            "dates": self.brought.dates,
            "entries": self.brought.entries,
            "movedLater": self.moved_later,
            "replayAgain": self.replay_again,
            "policy": self.policy,
            "policyVersion": self.policy_version,
            "lastN": self.n,
            "offsets": {str(n): {"committed": was, "readFrom": at} for n, (was, at) in self.offsets.items()},
        }


@dataclass(frozen=True)
class Given:
    """The trail to go by, whether it may have gaps, and the pseudonym of whoever asks."""

    trail: Trail
    accept_gaps: bool
    actor: str


class Run:
    """One reapplication; `lease` is None for a dry one."""

    def __init__(
        self, settings: Settings, database: Database, lease: Lease | None, given: Given, progress: Progress
    ) -> None:
        self._settings = settings
        self._database = database
        self._lease = lease
        self._given = given
        self._progress = progress

    async def run(self, now: datetime) -> Report:
        """Raises UserError, TopicMissing, KafkaError, OSError, TimeoutError, StoreError."""
        gaps = await self._given.trail.look()
        known, unsent = await stand(self._database), await unsent_erasures(self._database)
        compared = (await service(self._database)).compared
        wanted = frozenset(event_id(entry, 0) for entry in unsent.values())
        trail = Retold(self._settings.audit.log_name, wanted, compared)
        async with aclosing(self._parts(trail, "reading the trail")) as parts:
            async for _ in parts:
                pass
        gaps += lacking(self._given.trail.begin, trail, known)
        if gaps and self._lease is not None and not self._given.accept_gaps:
            raise UserError(_GAPS.format(gaps="; ".join(gaps)))
        new = not known.beaten and known.n == 0
        group, offsets = await self._offsets(compared, new=new)
        context = await self._context(trail, now)
        report = Report(
            self._lease is None, trail.events, trail.unreadable, gaps, trail.moved_later, offsets=offsets
        )
        await self._bring_back(context, group, report)
        if offsets and self._lease is not None:
            await rewind(self._settings.kafka, {n: at for n, (_, at) in offsets.items()})
        await self._finish(context, trail, self._twice(trail, unsent), report)
        return report

    def _twice(self, trail: Retold, unsent: Mapping[int, str]) -> list[str]:
        """Outbox entries of which nobody knows, since their numbers were given to others.

        What has a number from before the first that is there was sent: it is not there any more.
        """
        first = 0 if self._given.trail.begin == 0 else trail.first_n or 0
        twice = {n: i for n, i in unsent.items() if n >= first and event_id(i, 0) not in trail.seen}
        return list(twice.values()) if any(n <= trail.n for n in twice) else []

    async def _parts(self, trail: Retold, what: str) -> AsyncGenerator[Part, None]:
        """The whole trail, in parts of what one transaction takes."""

        def progress(done: int, total: int) -> None:
            self._progress(what, done, total)

        async with aclosing(self._given.trail.values(progress)) as batches:
            async for values in batches:
                for start in range(0, len(values), MAX_PART):
                    yield trail.take(values[start : start + MAX_PART])

    async def _offsets(
        self, compared: datetime | None, *, new: bool
    ) -> tuple[OrderGroup | None, dict[int, tuple[int, int]]]:
        """The group, and where it has to be set back."""
        kafka = self._settings.kafka
        group = await order_group(kafka, None if compared is None else compared - MARGIN)
        if group is None:
            return None, {}
        before = {} if new else await remembered(self._database, kafka.order_topic)
        offsets = {}
        for number, committed in group.committed.items():
            known = before.get(number)
            read_to = known.read_to if known is not None and known.topic_id == group.topic_id else None
            target = read_from(group.first.get(number, 0), committed, read_to, group.since.get(number))
            if target < committed:
                offsets[number] = (committed, target)
        return group, offsets

    async def _context(self, trail: Retold, now: datetime) -> Reapply:
        known, topic = await stand(self._database), self._settings.kafka.audit_topic
        retention = {number: told.retention_time for number, told in trail.policies.items()}
        return Reapply(
            self._database,
            self._lease,
            Ahead(Verdict.AHEAD, topic, trail.n, trail.policy_version, known.n, known.policy_version),
            trail.log_name,
            timedelta(days=self._settings.retention.ledger_days),
            now,
            live_longer(retention, max(trail.policy_version, known.policy_version)),
        )

    async def _bring_back(self, context: Reapply, group: OrderGroup | None, report: Report) -> None:
        absent: dict[tuple[int, int], GivenUp] = {}
        again: Mapping[str, str | None] = {}
        parts = self._parts(Retold(context.log_name), "bringing back")
        async with aclosing(parts):
            async for part in parts:
                came = await reapply(context, part, again)
                report.brought.add(came.brought)
                again = came.again
                absent |= {
                    (number, offset): given
                    for (topic, number, offset), given in came.absent.items()
                    if topic == self._settings.kafka.order_topic
                    and self._comes_again(group, report, number, offset)
                }
        report.replay_again = len(again)
        report.brought.entries += await self._keep_out(context, absent)

    @staticmethod
    def _comes_again(group: OrderGroup | None, report: Report, number: int, offset: int) -> bool:
        """Whether the order topic is read again from before this offset; without a group all of it is."""
        if group is None:
            return True
        committed = group.committed.get(number, 0)
        return report.offsets.get(number, (committed, committed))[1] <= offset < group.end.get(number, 0)

    async def _keep_out(self, context: Reapply, absent: Mapping[tuple[int, int], GivenUp]) -> int:
        if not absent:
            return 0
        kafka = self._settings.kafka

        def progress(done: int) -> None:
            self._progress("looking for what would come again", done, len(absent))

        times = await timestamps(kafka, list(absent), progress)
        events = [
            (Position(kafka.order_topic, number, offset, time), given)
            for (number, offset), given in absent.items()
            if (time := times.get((number, offset))) is not None
            and time <= given.time.timestamp() * 1000  # else it is of a topic that was made anew
        ]
        kept = 0
        for start in range(0, len(events), MAX_PART):
            kept += await keep_out(context, events[start : start + MAX_PART])
        return kept

    async def _finish(self, context: Reapply, trail: Retold, twice: Sequence[str], report: Report) -> None:
        policies = [_past(told) for told in trail.policies.values()]
        before = await gdpr_policy(self._database)
        report.policy = before.version < trail.policy_version
        report.policy_version = max(before.version, trail.policy_version)
        report.policy_known = not report.policy or trail.policy_version in trail.policies
        if self._lease is None:
            wanted = trail.n + len(twice)
            report.n = max(context.ahead.known_n, wanted)
            moved = wanted > context.ahead.known_n
            report.changed = bool(report.brought) or report.policy or bool(report.offsets) or moved
            return
        rules = DateRules.of(**self._settings.retention.date_numbers())
        rewound = bool(report.offsets)
        ending = Ending(
            trail.n, policies, trail.policy_version, twice, rewound, self._given.actor, build(), rules
        )
        ended = await finish(self._database, self._lease, ending)
        report.brought, report.n, report.changed = ended.brought, ended.n, ended.changed


def _past(told: PolicyTold) -> PastPolicy:
    policy = GdprPolicy(
        told.retention_time, told.deletion_time_after_retention, told.actor_anonymization, told.version
    )
    return PastPolicy(policy, told.since)
