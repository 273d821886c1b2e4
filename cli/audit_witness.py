"""`order-records audit witness`: a second party that co-signs the trail, and so vouches for one history."""

import asyncio
import math
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
from audit.keys import KEY_NAME, VerifierKey, is_key_name
from audit.witnessing import Mark, Proven, Seen, Sight, Witness
from cli.audit_folder import Folder
from cli.audit_keys import KEY, log_keys
from cli.audit_options import EXPORT, source_of
from cli.audit_source import NOTHING, Source
from cli.witness_state import WitnessState
from runtime.errors import UserError
from runtime.secret_keys import read_key_file
from runtime.settings import load_settings

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
    help="The folder for what was co-signed last: the file `latest`.",
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
    watch = Watch(source, keys, party, kept)
    with kept.held():
        if once or isinstance(source, Folder):
            asyncio.run(watch.look())
        else:
            asyncio.run(_followed(watch))
    sys.exit(int(watch.outcome))


def _party(name: str, path: Path, keys: Sequence[VerifierKey]) -> Witness:
    if not is_key_name(name):
        raise click.UsageError(f"--name: {KEY_NAME}")
    try:
        party = Witness(name, read_key_file(path, "--signing-key-file"))
        key = party.key
    except ValueError as error:
        raise UserError(str(error)) from None
    if any(key.public == each.public or key.name == each.name for each in keys):
        raise click.UsageError("a witness has a key and a name of its own: these are the trail's")
    return party


class Watch:
    """Looks again and again; `outcome` is what it came to so far."""

    def __init__(
        self, source: Source, keys: Sequence[VerifierKey], party: Witness, state: WitnessState
    ) -> None:
        self._source, self._keys, self._party, self._state = source, keys, party, state
        self._findings = Findings()
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
        # What is seen from here on may be later than what is co-signed: the time says up to when it is all.
        made_at = self._source.now()
        looked_at = max(0.0, min(time.time(), math.inf if made_at is None else made_at))
        sight = self._sight or await self._begin()
        if not await self._read_on(sight):
            sight = await self._begin(anew=True)
            await self._read_on(sight)
        edges = await self._source.edges()
        begin, stop = sight.wanted()
        if begin < min(stop, edges.end):
            async with aclosing(self._source.events(begin, min(stop, edges.end), NOTHING)) as events:
                async for batch in events:
                    sight.take_events(batch)
        self._source.look_around(self._findings)
        proven = sight.proven(edges.end)
        if proven is not None:
            self._cosign(sight, proven, int(looked_at))
        elif sight.newest is None and sight.fits:
            click.echo("nothing is signed yet")
        return sight

    async def _begin(self, *, anew: bool = False) -> Sight:
        first = (await self._source.edges()).first
        self._findings = Findings()
        self._told.clear()
        self._sight = Sight(self._keys, self._findings, first, self._state.seen, anew=anew)
        return self._sight

    async def _read_on(self, sight: Sight) -> bool:
        """Takes what came on the checkpoint topic; False where the record is gone up to which it was read.

        So a topic shows that was deleted and made again.
        """
        mark = sight.mark
        known, begin = mark is None, 0 if mark is None else mark.offset
        async with aclosing(self._source.checkpoints(begin, NOTHING)) as read:
            async for records in read:
                if not known and records:
                    if Mark.of(records[0]) != mark:
                        return False
                    known, records = True, records[1:]  # noqa: PLW2901 (the rest of them)
                sight.take_checkpoints(records)
        return known

    def _cosign(self, sight: Sight, proven: Proven, looked_at: int) -> None:
        """Anew whenever the trail's key has signed anew, also when no event came: so silence shows."""
        before = self._state.seen
        if before is not None and _extent(proven.signed) <= _extent(before.signed):
            self._state.show()
            return
        made = self._party.cosigned(proven.note, proven.signed, looked_at)
        seen = Seen(made, proven.signed, proven.tree, proven.mark)
        self._state.save(seen)
        self._sight = sight.after(seen)
        click.echo(f"co-signed  {proven.signed.checkpoint.size} events")

    def _tell(self) -> None:
        for finding in self._findings:
            if finding.count == self._told.get(finding.kind):
                continue
            self._told[finding.kind], self.outcome = finding.count, Outcome.INVALID
            click.echo(f"DOES NOT FIT {finding.kind}: {finding.meaning}", err=True)
            for text in finding.texts:
                click.echo(f"  - {text}", err=True)


def _extent(signed: SignedCheckpoint) -> tuple[int, int]:
    """An older note that somebody sends again is none that was signed anew."""
    return signed.checkpoint.size, signed.signed_at or 0


async def _followed(watch: Watch) -> None:
    """Until a signal, or until the history does not fit."""
    task = asyncio.ensure_future(_follow(watch))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


async def _follow(watch: Watch) -> None:
    fits = True
    while fits:
        try:
            fits = await watch.look()
        except UserError as error:
            click.echo(f"{error}; trying again", err=True)
        if fits:
            await asyncio.sleep(_APART_SECONDS)
