"""What a verification holds the trail against beside itself: what was seen before, and what witnesses say."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from audit.checkpoints import Checkpoint, SignedCheckpoint, open_checkpoint
from audit.keys import VerifierKey
from audit.notes import MAX_NOTE_BYTES, BadSignature, NoteError
from audit.witness_policy import Cosigned, policy_of
from cli.audit_keys import keys_given, seen_before
from cli.witness_state import LATEST
from runtime.regular_files import read_bounded

_HOUR: Final = 3_600.0
_OPTIONS: Final = (
    click.option(
        "--since",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="A checkpoint that was seen before (--keep writes one): the trail must still be what it was.",
    ),
    click.option(
        "--witness",
        "witnesses",
        multiple=True,
        metavar="KEY",
        help="A verifier key of a witness that you trust, or a file that holds some.",
    ),
    click.option(
        "--quorum",
        type=click.IntRange(min=1),
        help="How many of the witnesses must have co-signed the trail; else all of them.",
    ),
    click.option(
        "--cosigned",
        "places",
        multiple=True,
        type=click.Path(exists=True, path_type=Path),
        metavar="PATH",
        help="What a witness has co-signed: its folder, of which `latest` is taken, or a file.",
    ),
    click.option(
        "--cosigned-hours",
        type=click.FloatRange(min=0, min_open=True),
        default=3.0,
        show_default=True,
        help="How old a cosignature may be when the trail is read (or was exported).",
    ),
)


@dataclass(frozen=True)
class Others:
    """The options as they were given."""

    since: Path | None
    witnesses: Sequence[str]
    quorum: int | None
    places: Sequence[Path]
    hours: float

    def seen(self, log_keys: Sequence[VerifierKey]) -> Checkpoint | None:
        """What was seen before. Raises UsageError."""
        return None if self.since is None else seen_before(self.since, log_keys)

    def cosigned(self, log_keys: Sequence[VerifierKey]) -> Cosigned | None:
        """None where no witness is wanted. Raises UsageError."""
        if not self.witnesses:
            if self.quorum is not None or self.places:
                raise click.UsageError("--quorum and --cosigned need the keys of witnesses: --witness")
            return None
        try:
            keys = keys_given(self.witnesses, "--witness")
            policy = policy_of(keys, log_keys, self.quorum, self.hours * _HOUR)
        except ValueError as error:
            raise click.UsageError(f"--witness, --quorum: {error}") from None
        found, forged = list[SignedCheckpoint](), list[str]()
        for place in self.places:
            path = place / LATEST if place.is_dir() else place
            try:
                found.append(open_checkpoint(_read(path), log_keys, policy.witnesses))
            except BadSignature as error:
                forged.append(f"{path}: {error}")
            except NoteError as error:
                raise click.UsageError(
                    f"--cosigned: {path} is no checkpoint of this trail's keys: {error}"
                ) from None
        return Cosigned(policy, tuple(found), tuple(forged))


def by_others(command: Callable[..., None]) -> Callable[..., None]:
    """Adds these options, and hands them on as one `others`."""

    @functools.wraps(command)
    def with_others(
        *,
        since: Path | None,
        witnesses: Sequence[str],
        quorum: int | None,
        places: Sequence[Path],
        cosigned_hours: float,
        **rest: Any,
    ) -> None:
        command(others=Others(since, witnesses, quorum, places, cosigned_hours), **rest)

    decorated: Callable[..., None] = with_others
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def _read(path: Path) -> bytes:
    try:
        return read_bounded(path, MAX_NOTE_BYTES)
    except OSError as error:
        raise click.UsageError(f"--cosigned: {path} cannot be read ({error.strerror})") from None
