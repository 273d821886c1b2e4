"""A witness, deployed as deploy/README.md says, co-signs the trail and has nothing of the service's."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from runtime.settings import load_settings
from tests.deployed import KUBERNETES, ROOT, compose_config, compose_services, kustomized
from tests.exports import exported
from tests.trails import KEY, sound
from tests.verbs import RunVerb, verb_runner

PUBLIC_KEYS: Final = "ORDER_RECORDS_AUDIT__PUBLIC_KEYS"
DATA: Final = "/var/lib/order-records"
README: Final = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
SERVICE_SECRETS: Final = {
    "ORDER_RECORDS_SECRETS__ID_KEY": "x",
    "ORDER_RECORDS_SECRETS__QUARANTINE_KEY": "x",
    "ORDER_RECORDS_SECRETS__AUDIT_SIGNING_KEY": "x",
    "ORDER_RECORDS_AUTH__HS256_SECRET": "x",
}


@dataclass(frozen=True)
class Deployed:
    """A witness as a container runs it."""

    words: list[str]
    environ: dict[str, str]
    probe: list[str]
    written: list[str]


@cache
def compose_service() -> dict[str, Any]:
    given = SERVICE_SECRETS | {PUBLIC_KEYS: KEY.text}
    found: dict[str, Any] = compose_services(given, "--profile", "witness")["witness"]
    return found


def of_compose(_: Path) -> Deployed:
    service = compose_service()
    written = [each["target"] for each in service["volumes"]]
    return Deployed(service["command"], service["environment"], service["healthcheck"]["test"][1:], written)


def overlaid(folder: Path) -> list[dict[str, Any]]:
    """The objects of the second party's own overlay, which is the example's with the key of a trail."""
    [example] = [each for each in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if "witness" in each]
    shutil.copytree(KUBERNETES / "witness", folder / "witness")
    (folder / "own").mkdir()
    text = re.sub(rf"{PUBLIC_KEYS}=\S+", f"{PUBLIC_KEYS}={KEY.text}", example)
    (folder / "own" / "kustomization.yaml").write_text(text)
    return kustomized(folder / "own")


def pod_of(objects: list[dict[str, Any]]) -> dict[str, Any]:
    first = next(each for each in objects if each["kind"] in {"StatefulSet", "Deployment"})
    pod: dict[str, Any] = first["spec"]["template"]["spec"]
    return pod


def of_kubernetes(folder: Path) -> Deployed:
    objects = overlaid(folder)
    [config] = [each for each in objects if each["kind"] == "ConfigMap"]
    [container] = pod_of(objects)["containers"]
    assert container["envFrom"] == [{"configMapRef": {"name": config["metadata"]["name"]}}]
    written = [each["mountPath"] for each in container["volumeMounts"] if not each.get("readOnly")]
    probe = container["readinessProbe"]["exec"]["command"]
    return Deployed(container["args"], config["data"], probe, written)


@pytest.fixture(scope="module", params=[of_compose, of_kubernetes], ids=["compose", "kubernetes"])
def deployed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    read: Callable[[Path], Deployed] = request.param
    return read(tmp_path_factory.mktemp("overlay"))


@pytest.fixture
def run(deployed: Deployed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunVerb:
    for name in [name for name in os.environ if name.startswith("ORDER_RECORDS_")]:
        monkeypatch.delenv(name)
    for name, value in deployed.environ.items():
        monkeypatch.setenv(name, value)
    return verb_runner(monkeypatch, capsys)


def here(words: list[str], folder: Path) -> list[str]:
    """The same words with this folder in place of the container's."""
    folders = re.compile(rf"{DATA}|/run/secrets/order-records")
    return [folders.sub(str(folder), word) for word in words]


def test_its_command_cosigns_a_trail_with_the_key_that_was_made_for_it(
    deployed: Deployed, run: RunVerb, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    words = here(deployed.words, folder)
    [key_file] = [word.partition("=")[2] for word in words if word.startswith("--signing-key-file=")]
    made = run("keys", "witness", key_file, "--name", "compliance")
    trail = exported(sound(3), tmp_path / "trail")

    cosigned = run(*words, str(trail), "--once")

    assert (cosigned.code, cosigned.err) == (0, "")
    (tmp_path / "witness.txt").write_text(made.out)
    wanted = ("--witness", str(tmp_path / "witness.txt"), "--cosigned", str(folder / "cosigned"))
    verified = run("audit", "verify", str(trail), *wanted, "--cosigned-hours", "100000000")
    assert verified.code == 0, verified.out + verified.err


def test_it_writes_to_its_volume_and_nowhere_else(deployed: Deployed) -> None:
    paths = dict(word.split("=", 1) for word in deployed.words if "=" in word)

    assert deployed.written == [DATA]
    assert all(paths[option].startswith(f"{DATA}/") for option in ("--state", "--cosigned"))


def test_it_has_no_key_of_the_service_and_no_database(deployed: Deployed) -> None:
    assert set(deployed.environ) == {PUBLIC_KEYS, "ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS"}
    assert load_settings(deployed.environ).audit.public_keys == (KEY.text,)


@pytest.mark.parametrize(("hours", "code"), [(None, 1), (0, 0), (3, 1)], ids=["none", "fresh", "old"])
def test_it_is_well_while_something_was_cosigned_within_two_hours(
    deployed: Deployed, tmp_path: Path, hours: int | None, code: int
) -> None:
    latest = tmp_path / "cosigned" / "latest"
    latest.parent.mkdir()
    if hours is not None:
        latest.write_text("a note")
        os.utime(latest, (time.time(), time.time() - hours * 3600))

    asked = subprocess.run(here(deployed.probe, tmp_path), check=False, timeout=30)  # noqa: S603 (our own probe)

    assert asked.returncode == code


def test_compose_starts_no_witness_unless_it_is_asked_for() -> None:
    assert "witness" not in compose_services(SERVICE_SECRETS)
    assert PUBLIC_KEYS not in compose_config(SERVICE_SECRETS).stderr
    assert set(compose_service()["depends_on"]) == {"kafka"}


def test_the_folder_that_a_witness_needs_is_its_own_in_the_image() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    pod = pod_of(kustomized(KUBERNETES / "witness"))
    user, group = pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]

    assert f"\nRUN install -d -o {user} -g {group} -m 0700 {DATA}\n" in dockerfile
    assert f"\nUSER {user}:{group}\n" in dockerfile


def test_its_pod_is_one_and_as_confined_as_the_others() -> None:
    objects = kustomized(KUBERNETES / "witness")
    [stateful] = [each["spec"] for each in objects if each["kind"] == "StatefulSet"]
    pod, other = pod_of(objects), pod_of(kustomized(KUBERNETES / "base"))
    [container], [others] = pod["containers"], other["containers"]

    assert stateful["replicas"] == 1
    assert pod["securityContext"] == other["securityContext"]
    assert container["securityContext"] == others["securityContext"]
    assert pod["automountServiceAccountToken"] is other["automountServiceAccountToken"] is False
    assert container["image"] == others["image"]
    [keys] = [each["secret"] for each in pod["volumes"]]
    assert (keys["secretName"], keys["items"]) == (
        "order-records-witness",
        [{"key": "witness-key", "path": "witness-key"}],
    )
