"""Class paths of Java programs, Apache Kafka first of all: fetched once by Maven into the cache folder."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from local.servers.process import Process
from runtime.errors import UserError

KAFKA_VERSION: Final = "4.3.1"  # the one in kafka-pom.xml
_JAVA_LEAST: Final = 17  # the least for Kafka's broker since 4.0
_JAVA_VERSION: Final = re.compile(r'version "(\d+)')
_JAVA_SECONDS: Final = 20
_MAVEN_SECONDS: Final = 600
_POM: Final = Path(__file__).with_name("kafka-pom.xml")


def java_and_maven() -> bool:
    """Whether Apache Kafka can be run here: Java 17 or later, and Maven to fetch it with."""
    return shutil.which("mvn") is not None and _java_version() >= _JAVA_LEAST


async def kafka_class_path() -> str:
    """Apache Kafka's class path; the first call on a machine fetches 92 jars (54 MB).

    Raises what `class_path` raises.
    """
    return await class_path(_POM, f"kafka-{KAFKA_VERSION}", f"Apache Kafka {KAFKA_VERSION}")


async def class_path(pom: Path, folder_name: str, what: str) -> str:
    """The class path of what a pom lists, kept under that name, which has to tell its versions.

    Raises UserError when Maven cannot fetch them. An interrupted fetch ends Maven and leaves nothing that
    looks complete; two processes may call this at once: each fetches into a folder of its own, and one of
    the two is kept.
    """
    folder = _cache_folder() / folder_name
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".jars-") as scratch:
            jars = Path(scratch, "jars")
            await _fetch(pom, jars, Path(scratch, "maven.log"), what)
            _keep(jars, folder)
    return f"{folder}/*"


def _java_version() -> int:
    java = shutil.which("java")
    if not java:
        return 0
    try:
        run = subprocess.run(  # noqa: S603 - the command is ours
            [java, "-version"], capture_output=True, text=True, timeout=_JAVA_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = _JAVA_VERSION.search(run.stderr)
    return int(found.group(1)) if found and run.returncode == 0 else 0


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "order-records"


async def _fetch(pom: Path, jars: Path, log_file: Path, what: str) -> None:
    maven = shutil.which("mvn")
    if not maven:
        raise UserError(f"{what} needs Maven (mvn) to be fetched; the in-process Kafka broker does without")
    command = [maven, "-B", "-q", "--strict-checksums", "-f", str(pom), "dependency:copy-dependencies"]
    options = [f"-DoutputDirectory={jars}", "-DincludeScope=runtime"]
    process = Process([*command, *options], log_file)
    try:
        if not await process.wait(_MAVEN_SECONDS):
            raise UserError(f"Maven did not fetch {what} within {_MAVEN_SECONDS} s")
        if process.exit_code():
            raise UserError(f"Maven could not fetch {what}: {process.last_lines()}")
    finally:
        await process.end(kill=True)


def _keep(jars: Path, folder: Path) -> None:
    try:
        jars.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process was first
            raise
