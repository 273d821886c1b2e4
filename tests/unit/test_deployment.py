"""What deploy/check.sh cannot see: compose file, manifests and image fit our own settings and packages."""

import base64
import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner

from cli.main import order_records
from cli.token import token
from runtime.environment import variables
from runtime.secret_keys import SECRET_NAMES
from runtime.settings import HEALTH_PORTS, Process, Settings, load_settings
from service.api.auth import Authenticator, Permission
from service.api.auth_settings import check_auth_settings, shared_secret
from service.api.keys import SharedSecret
from tests.deployed import KUBERNETES, ROOT, compose_config, compose_services, kustomized

BASE = KUBERNETES / "base"
SECRETS: dict[Process, set[str]] = {
    "consume": {"SECRETS__ID_KEY", "SECRETS__QUARANTINE_KEY"},
    "work": {"SECRETS__ID_KEY", "SECRETS__AUDIT_SIGNING_KEY"},
    "serve": {"SECRETS__ID_KEY", "AUTH__HS256_SECRET"},
}
DUMMIES = {
    f"ORDER_RECORDS_{name}": base64.b64encode(bytes(32)).decode() for name in set.union(*SECRETS.values())
}


@pytest.fixture(scope="module")
def manifests() -> list[dict[str, Any]]:
    """The base as a cluster gets it."""
    return kustomized(BASE)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return compose_services(DUMMIES)


def test_every_process_has_its_verb_its_container_and_its_pods(
    services: dict[str, Any], manifests: list[dict[str, Any]]
) -> None:
    deployments = [found for found in manifests if found["kind"] == "Deployment"]
    pods = {
        d["metadata"]["name"]: d["spec"]["template"]["spec"]["containers"][0]["args"] for d in deployments
    }

    assert get_args(Process) == tuple(SECRETS)
    assert set(SECRETS) <= set(order_records.commands)
    assert {name: services[name]["command"] for name in SECRETS} == {name: [name] for name in SECRETS}
    assert pods == {f"order-records-{name}": [name] for name in SECRETS}


@pytest.mark.parametrize("process", SECRETS)
def test_a_container_is_asked_for_its_health_on_its_own_port(
    services: dict[str, Any], manifests: list[dict[str, Any]], process: Process
) -> None:
    port = HEALTH_PORTS[process]
    container = template_of(manifests, process)["spec"]["containers"][0]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}

    assert f":{port}/readyz" in services[process]["healthcheck"]["test"][-1]
    assert ports["health"] == port
    assert {
        container[f"{probe}Probe"]["httpGet"]["port"] for probe in ("startup", "liveness", "readiness")
    } == {"health"}


@pytest.mark.parametrize("process", SECRETS)
def test_a_pod_is_started_with_settings_that_load(
    manifests: list[dict[str, Any]], tmp_path: Path, process: Process
) -> None:
    settings = load_settings(pod_environment(manifests, process, tmp_path))

    assert settings.health.host == "0.0.0.0"  # noqa: S104 (or the kubelet could not ask)
    settings.require_secrets(
        *(each for each in SECRET_NAMES if f"SECRETS__{each.upper()}" in SECRETS[process])
    )
    if process == "serve":
        check_auth_settings(settings.auth)


def test_the_api_is_reached_through_its_service(manifests: list[dict[str, Any]], tmp_path: Path) -> None:
    [service] = [found["spec"] for found in manifests if found["kind"] == "Service"]
    template = template_of(manifests, "serve")
    ports = {port["name"]: port["containerPort"] for port in template["spec"]["containers"][0]["ports"]}
    api = load_settings(pod_environment(manifests, "serve", tmp_path)).api

    assert service["selector"].items() <= template["metadata"]["labels"].items()
    assert (api.host, api.port) == ("0.0.0.0", ports[service["ports"][0]["targetPort"]])  # noqa: S104 (of the pod)


def template_of(manifests: list[dict[str, Any]], process: str) -> dict[str, Any]:
    """What the pods of a process are made from."""
    wanted = ("Deployment", f"order-records-{process}")
    [found] = [each for each in manifests if (each["kind"], each["metadata"]["name"]) == wanted]
    template: dict[str, Any] = found["spec"]["template"]
    return template


def pod_environment(manifests: list[dict[str, Any]], process: str, folder: Path) -> dict[str, str]:
    """The variables of a pod, with a key in each file that one of them names."""
    [config] = [found["data"] for found in manifests if found["kind"] == "ConfigMap"]
    own = template_of(manifests, process)["spec"]["containers"][0]["env"]
    environ = config | {each["name"]: each["value"] for each in own if "value" in each}
    key = folder / "key"
    key.write_text(DUMMIES["ORDER_RECORDS_SECRETS__ID_KEY"])
    return {name: str(key) if name.endswith("_FILE") else value for name, value in environ.items()}


@pytest.mark.parametrize("process", SECRETS)
def test_a_container_is_started_with_settings_that_load(services: dict[str, Any], process: Process) -> None:
    settings = load_settings(services[process]["environment"])

    assert settings.kafka.create_topics
    assert settings.enabled_on_first_start
    if process == "serve":
        check_auth_settings(settings.auth)


@pytest.mark.parametrize("process", SECRETS)
def test_a_container_gets_its_own_keys_and_no_others(services: dict[str, Any], process: Process) -> None:
    given = {name for name in DUMMIES if name in services[process]["environment"]}

    assert given == {f"ORDER_RECORDS_{name}" for name in SECRETS[process]}


def test_the_api_is_published_where_it_listens_and_on_this_machine_alone(services: dict[str, Any]) -> None:
    api = load_settings(services["serve"]["environment"]).api
    [published] = services["serve"]["ports"]

    assert api.host == "0.0.0.0"  # noqa: S104 (of the container)
    assert (published["host_ip"], published["published"], published["target"]) == (
        "127.0.0.1",
        str(api.port),
        api.port,
    )


def test_a_token_made_in_the_container_of_the_api_is_one_that_it_takes(services: dict[str, Any]) -> None:
    environ = services["serve"]["environment"]
    auth = load_settings(environ).auth

    made = CliRunner().invoke(token, env=environ, catch_exceptions=False).output.strip()

    principal = Authenticator(auth, SharedSecret(shared_secret(auth))).authenticate(f"Bearer {made}")
    assert principal.permissions == set(Permission)


def test_a_compose_file_without_secrets_says_what_to_run() -> None:
    result = compose_config({})

    assert result.returncode != 0
    assert "ORDER_RECORDS_SECRETS__ID_KEY" in result.stderr
    assert "make compose-env" in result.stderr


def test_every_variable_in_the_manifests_is_a_setting() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(KUBERNETES.rglob("*.yaml")))
    used = set(re.findall(r"ORDER_RECORDS_\w+", text))

    assert used
    assert used <= set(variables(Settings))


@pytest.mark.parametrize("process", SECRETS)
def test_a_pod_mounts_its_own_keys_and_no_others(process: Process) -> None:
    text = (BASE / f"{process}.yaml").read_text(encoding="utf-8")
    paths = dict(
        re.findall(r"ORDER_RECORDS_SECRETS__(\w+)_FILE, value: /run/secrets/order-records/([\w-]+)}", text)
    )
    mounted = re.findall(r"{key: ([\w-]+), path: \1}", text)

    assert {f"SECRETS__{name}" for name in paths} == {
        name for name in SECRETS[process] if name.startswith("SECRETS__")
    }
    assert sorted(mounted) == sorted(paths.values())


def test_the_image_is_built_from_every_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert {f"!{package.removesuffix('*')}/" for package in packages} <= set(let_in)
