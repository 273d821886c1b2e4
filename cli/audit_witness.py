"""`order-records audit witness`: a second party that co-signs the trail, and so vouches for one history."""

import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final

import click

from audit.checkpoints import SignedCheckpoint
from audit.findings import Findings, Kind, Outcome
from audit.keys import VerifierKey
from audit.notes import parse_note
from audit.witnessing import Sight, Witness
from cli.audit_folder import Folder
from cli.audit_keys import KEY, log_keys
from cli.audit_options import EXPORT, source_of
from cli.audit_source import NOTHING, Source
from cli.witness_state import WitnessState
from runtime.errors import UserError
from runtime.secret_keys import read_key_file
from runtime.settings import load_settings

_ANEW_SECONDS: Final = 3_600.0
"""So often all checkpoints are read anew: only so a topic shows that was deleted and made again."""
_APART_SECONDS: Final = 5.0
_CONFIRM_SECONDS: Final = 10.0
_FILE: Final = click.Path(dir_okay=False, path_type=Path)


@click.command()
@EXPORT
@KEY
@click.option(
    "--name", required=True, help="The witness's name, as `order-records keys witness` was told it."
)
@click.option("--signing-key-file", required=True, type=_FILE, help="The file that holds the witness's key.")
@click.option(
    "--state",
    required=True,
    type=_FILE,
    help="The file that remembers what was co-signed last. Never put an older one in its place.",
)
@click.option(
    "--cosigned",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder for what is co-signed: a file for each size, and `latest`.",
)
@click.option("--once", is_flag=True, help="End after what is there now; else go on until Ctrl-C.")
def witness(
    *,
    export: Path | None,
    given: tuple[str, ...],
    name: str,
    signing_key_file: Path,
    state: Path,
    cosigned: Path,
    once: bool,
) -> None:
    """Co-sign the trail's checkpoints, as a second party with a key of its own.

    Reads the topics, or a folder that `audit export` made, and co-signs the newest checkpoint if the events
    are what was signed, and still begin with what this witness has co-signed before. Run it where nobody who
    runs the service can write. Exit codes: 0 all fits, 4 something does not, 1 it could not be read.

    \b
    Example:
      order-records keys witness witness.key --name compliance
      order-records audit witness --key verifier.txt --name compliance --signing-key-file witness.key \\
        --state witness.state --cosigned ./cosigned
    """  # noqa: D301 (click reads the \b)
    settings = load_settings()
    keys = log_keys(given, settings)
    party = _party(name, signing_key_file, keys)
    source = source_of(export, settings)
    kept = WitnessState(state, cosigned, keys, party.key)
    watch = _Watch(source, keys, party, kept)
    with kept.held():
        if once or isinstance(source, Folder):
            asyncio.run(watch.look())
        else:
            asyncio.run(_followed(watch))
    sys.exit(int(watch.outcome))


def _party(name: str, path: Path, keys: Sequence[VerifierKey]) -> Witness:
    try:
        party = Witness(name, read_key_file(path, "--signing-key-file"))
        key = party.key
    except ValueError as error:
        raise UserError(str(error)) from None
    if any(key.public == each.public or key.name == each.name for each in keys):
        raise click.UsageError("a witness has a key and a name of its own: these are the trail's")
    return party


class _Watch:
    """Looks again and again; `outcome` is what it came to so far."""

    def __init__(
        self, source: Source, keys: Sequence[VerifierKey], party: Witness, state: WitnessState
    ) -> None:
        self._source, self._keys, self._party, self._state = source, keys, party, state
        self._begun, self._findings, self._next = 0.0, Findings(), 0
        self._sight: Sight | None = None
        self._told = dict[Kind, int]()
        self.outcome = Outcome.SOUND

    async def look(self) -> bool:
        """One look at what is there; False when the history does not fit. Raises UserError.

        A broker may tell too low an end for a moment after a change of its leader: so what is only too short
        is looked at twice.
        """
        sight = await self._look_once()
        if sight.only_short and self._source.now() is None:
            await asyncio.sleep(_CONFIRM_SECONDS)
            self._sight = None
            sight = await self._look_once()
        self._tell()
        return sight.fits

    async def _look_once(self) -> Sight:
        sight = await self._looking()
        async with aclosing(self._source.checkpoints(self._next, NOTHING)) as read:
            async for records in read:
                sight.take_checkpoints(records)
                self._next = records[-1].offset + 1 if records else self._next
        edges = await self._source.edges()
        begin, stop = sight.wanted()
        if begin < min(stop, edges.end):
            async with aclosing(self._source.events(begin, min(stop, edges.end), NOTHING)) as events:
                async for batch in events:
                    sight.take_events(batch)
        self._source.look_around(self._findings)
        proven = sight.proven(edges.end)
        if proven is not None:
            self._cosign(proven.note, proven.signed)
        elif sight.newest is None and sight.fits:
            click.echo("nothing is signed yet")
        return sight

    async def _looking(self) -> Sight:
        now = time.monotonic()
        if self._sight is None or now - self._begun > _ANEW_SECONDS:
            seen = self._state.seen
            first = (await self._source.edges()).first
            self._findings, self._begun, self._next = Findings(), now, 0
            self._told.clear()
            self._sight = Sight(self._keys, self._findings, first, None if seen is None else seen.checkpoint)
        return self._sight

    def _cosign(self, note: bytes, signed: SignedCheckpoint) -> None:
        """Anew whenever the trail's key has signed anew, also when no event came: so silence shows."""
        made = self._party.cosigned(note, signed, int(time.time()))
        before, size = self._state.note, signed.checkpoint.size
        if before is not None and _of_the_log(before) == _of_the_log(made):
            return
        self._state.save(made)
        click.echo(f"co-signed  {size} events")

    def _tell(self) -> None:
        for finding in self._findings:
            if finding.count == self._told.get(finding.kind):
                continue
            self._told[finding.kind], self.outcome = finding.count, Outcome.INVALID
            click.echo(f"DOES NOT FIT {finding.kind}: {finding.meaning}", err=True)
            for text in finding.texts:
                click.echo(f"  - {text}", err=True)


def _of_the_log(note: bytes) -> tuple[str, tuple[bytes, ...]]:
    """All but the witness's own line, which is the last."""
    parsed = parse_note(note)
    return parsed.text, tuple(each.value for each in parsed.signatures[:-1])


async def _followed(watch: _Watch) -> None:
    """Until a signal, or until the history does not fit."""
    task = asyncio.ensure_future(_follow(watch))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


async def _follow(watch: _Watch) -> None:
    fits = True
    while fits:
        try:
            fits = await watch.look()
        except UserError as error:
            click.echo(f"{error}; trying again", err=True)
        if fits:
            await asyncio.sleep(_APART_SECONDS)
