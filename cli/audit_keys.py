"""The keys that a verification goes by, and what was seen before: both from whoever verifies."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from audit.checkpoints import Checkpoint, open_checkpoint
from audit.keys import ED25519, MalformedKey, VerifierKey, seed_key
from audit.notes import MAX_NOTE_BYTES, NoteError
from runtime.environment import variable
from runtime.regular_files import read_bounded
from runtime.settings import Settings

KEY: Final = click.option(
    "--key",
    "given",
    multiple=True,
    metavar="KEY",
    help="A verifier key of the trail, or a file that holds some; today's first, then retired ones. Without "
    "it those of the settings are taken.",
)

_MAX_BYTES: Final = 1 << 20
"""Of a file of keys."""


def log_keys(given: Sequence[str], settings: Settings) -> list[VerifierKey]:
    """The trail's keys, the one of today first. Raises UsageError."""
    keys = keys_given(given, "--key") or _of_settings(settings)
    if not keys:
        raise click.UsageError(
            "name the trail's verifier key by --key; `order-records keys verifier` prints it"
        )
    if any(key.type != ED25519 for key in keys):
        raise click.UsageError("--key: a trail's key is of type 1 (Ed25519)")
    if len({key.name for key in keys}) > 1:
        raise click.UsageError("--key: all keys of a trail have its name, and these have several")
    return list(dict.fromkeys(keys))


def seen_before(path: Path, keys: Sequence[VerifierKey]) -> Checkpoint:
    """The checkpoint in a file that somebody has kept. Raises UsageError unless one of the keys signed it."""
    try:
        return open_checkpoint(read_bounded(path, MAX_NOTE_BYTES), keys).checkpoint
    except OSError as error:
        raise click.UsageError(f"--since: {path} cannot be read ({error.strerror})") from None
    except NoteError as error:
        raise click.UsageError(f"--since: {path} is no checkpoint of this trail's keys: {error}") from None


def keys_given(given: Sequence[str], option: str) -> list[VerifierKey]:
    """The keys that an option names, as they are or in files. Raises UsageError."""
    return [key for each in given for key in _given(each, option)]


def _given(text: str, option: str) -> list[VerifierKey]:
    try:
        return [VerifierKey.parse(text)]
    except MalformedKey as error:
        path = Path(text)
        if not os.path.isfile(path):  # noqa: PTH113 (Path.is_file raises where a name is too long)
            raise click.UsageError(f"{option}: neither a file nor a verifier key: {error}") from None
    try:
        lines = [line.strip() for line in read_bounded(path, _MAX_BYTES).decode().splitlines()]
        return [VerifierKey.parse(line) for line in lines if line and not line.startswith("#")]
    except (OSError, UnicodeDecodeError, MalformedKey):
        raise click.UsageError(f"{option}: {path} should hold verifier keys, one a line") from None


def _of_settings(settings: Settings) -> list[VerifierKey]:
    seed, audit = settings.secrets.audit_signing_key, settings.audit
    current = [] if seed is None else [seed_key(seed.get_secret_value(), audit.log_name)]
    try:
        return current + [VerifierKey.parse(text) for text in audit.public_keys]
    except MalformedKey as error:
        raise click.UsageError(f"{variable('audit', 'public_keys')}: {error}") from None
