"""Compose file and manifests as the tools that deploy them read them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]  # comes with kubernetes-validate, without types

ROOT: Final = Path(__file__).resolve().parents[1]
KUBERNETES: Final = ROOT / "deploy" / "kubernetes"


def compose_config(environ: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    """What `docker compose config` says with these variables. The developer's own .env is not read."""
    compose = str(Path(sys.executable).with_name("docker-compose"))
    files = ["--env-file", "/dev/null", "--file", str(ROOT / "docker-compose.yml")]
    return subprocess.run(  # noqa: S603 (the tool that our lock installs, on our own file)
        [compose, *files, *options, "config", "--format", "json"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def compose_services(environ: dict[str, str], *options: str) -> dict[str, Any]:
    """The services that would be started, by name."""
    result = compose_config(environ, *options)
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)["services"]
    return found


def kustomized(folder: Path) -> list[dict[str, Any]]:
    """The objects of a folder as a cluster gets them."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on this machine")
    result = subprocess.run(  # noqa: S603 (on our own files)
        ["kubectl", "kustomize", str(folder)],  # noqa: S607 (wherever this machine has it)
        capture_output=True,
        timeout=30,
        check=True,
    )
    return [found for found in yaml.safe_load_all(result.stdout) if found]
