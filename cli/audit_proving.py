"""Making the proofs of a record's events: one read to find them, one to gather the hashes beside them."""

from collections.abc import Callable, Sequence
from contextlib import aclosing

from audit.checkpoint_book import Newest, Start
from audit.findings import Findings
from audit.keys import VerifierKey
from audit.merkle import InvalidProof, leaf_hashes
from audit.proof_hashes import SpanRoots, inclusion_spans
from audit.quick_facts import NotAnEvent, model_facts
from audit.tlog_proofs import TlogProof
from audit.verdict import Batch
from cli.audit_certificate import MAX_EVENTS, ProvenEvent
from cli.audit_reading import Shown, Wanted, planned
from cli.audit_source import Source
from runtime.errors import UserError


async def proven_events(
    source: Source, keys: Sequence[VerifierKey], subject: str, shown: Shown
) -> list[ProvenEvent]:
    """The events of a record that the newest checkpoint covers. Raises UserError where there is none."""
    plan = await planned(source, keys, Wanted(), Findings(), shown)
    start, newest = plan.book.start(), plan.book.newest
    if start is None or newest is None:
        raise UserError("no checkpoint of the trail's key is there: nothing can be proven yet")
    size = newest.signed.checkpoint.size
    if size > plan.edges.end:
        raise UserError("the trail is shorter than what was signed: see `order-records audit verify`")
    found = dict[int, bytes]()
    mark, ids = f'"subject":"{subject}"'.encode(), set[bytes]()

    def look(batch: Batch) -> None:
        for offset, value in zip(batch.offsets, batch.values, strict=True):
            if value is not None and mark in value and len(found) < MAX_EVENTS:
                identifier = _identifier(value, keys[0].name)
                if identifier is not None and identifier not in ids:
                    ids.add(identifier)
                    found[offset] = value

    await _read(source, start.tree.size, size, look, shown, "events")
    if not found:
        raise UserError(
            "no signed event of this record is on the trail; one of the last minute may not be signed yet"
        )
    return await _proofs(source, start, newest, found, shown)


async def _proofs(
    source: Source, start: Start, newest: Newest, found: dict[int, bytes], shown: Shown
) -> list[ProvenEvent]:
    size = newest.signed.checkpoint.size
    try:
        gathered = {at: SpanRoots(inclusion_spans(at, size), start.tree) for at in found}
    except ValueError as error:
        raise UserError(f"it cannot be proven any more: {error}") from None

    def gather(batch: Batch) -> None:
        leaves = leaf_hashes(batch.values)
        for each in gathered.values():
            each.extend(leaves)

    await _read(source, start.tree.size, size, gather, shown, "events again")
    return [_proof(newest, at, found[at], gathered[at]) for at in sorted(found)]


def _proof(newest: Newest, at: int, value: bytes, gathered: SpanRoots) -> ProvenEvent:
    try:
        proof = TlogProof(at, tuple(gathered.roots()), newest.note)
        proof.check(value, [newest.signed.key])
    except (InvalidProof, ValueError):
        raise UserError(
            "the events are not those that were signed: see `order-records audit verify`"
        ) from None
    return ProvenEvent(event=value.decode(), proof=proof.encode())


async def _read(
    source: Source, begin: int, stop: int, take: Callable[[Batch], None], shown: Shown, what: str
) -> None:
    def progress(done: int, total: int) -> None:
        shown(what, done, total)

    async with aclosing(source.events(begin, stop, progress)) as batches:
        async for batch in batches:
            take(batch)


def _identifier(value: bytes, log_name: str) -> bytes | None:
    try:
        return model_facts(value, log_name).id
    except NotAnEvent:
        return None
