"""What deploy/check.sh cannot see: compose file, manifests and image fit our own settings and packages."""

import base64
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from runtime.environment import variables
from runtime.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "deploy" / "kubernetes" / "base"
SECRETS = {"consume": {"ID_KEY", "QUARANTINE_KEY"}, "work": {"ID_KEY", "AUDIT_SIGNING_KEY"}}
DUMMIES = {
    f"ORDER_RECORDS_SECRETS__{name}": base64.b64encode(bytes(32)).decode()
    for name in set.union(*SECRETS.values())
}


def compose_config(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    compose = str(Path(sys.executable).with_name("docker-compose"))
    # The developer's own .env is not read.
    files = ["--env-file", "/dev/null", "--file", str(ROOT / "docker-compose.yml")]
    return subprocess.run(  # noqa: S603 (the tool that our lock installs, on our own file)
        [compose, *files, "config", "--format", "json"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    result = compose_config(DUMMIES)
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)["services"]
    return found


@pytest.mark.parametrize("process", SECRETS)
def test_a_container_is_started_with_settings_that_load(services: dict[str, Any], process: str) -> None:
    settings = load_settings(services[process]["environment"])

    assert settings.kafka.create_topics
    assert settings.enabled_on_first_start


@pytest.mark.parametrize("process", SECRETS)
def test_a_container_gets_its_own_keys_and_no_others(services: dict[str, Any], process: str) -> None:
    given = {name for name in DUMMIES if name in services[process]["environment"]}

    assert given == {f"ORDER_RECORDS_SECRETS__{name}" for name in SECRETS[process]}


def test_a_compose_file_without_secrets_says_what_to_run() -> None:
    result = compose_config({})

    assert result.returncode != 0
    assert "ORDER_RECORDS_SECRETS__ID_KEY" in result.stderr
    assert "make compose-env" in result.stderr


def test_every_variable_in_the_manifests_is_a_setting() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(BASE.glob("*.yaml")))
    used = set(re.findall(r"ORDER_RECORDS_\w+", text))

    assert used
    assert used <= set(variables(Settings))


@pytest.mark.parametrize("process", SECRETS)
def test_a_pod_mounts_its_own_keys_and_no_others(process: str) -> None:
    text = (BASE / f"{process}.yaml").read_text(encoding="utf-8")
    paths = dict(
        re.findall(r"ORDER_RECORDS_SECRETS__(\w+)_FILE, value: /run/secrets/order-records/([\w-]+)}", text)
    )
    mounted = re.findall(r"{key: ([\w-]+), path: \1}", text)

    assert set(paths) == SECRETS[process]
    assert sorted(mounted) == sorted(paths.values())


def test_the_image_is_built_from_every_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert {f"!{package.removesuffix('*')}/" for package in packages} <= set(let_in)
