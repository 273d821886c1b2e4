"""The variables of the demo's processes: the caller's, without what would meet the demo's own."""

import base64
import os
from collections.abc import Mapping
from typing import Final

from local.demo.options import DAY_SECONDS
from local.servers.process import HOST, free_port, is_free
from runtime.environment import variable
from runtime.secret_keys import SECRET_NAMES
from runtime.settings import Api, Auth

_API_PORT: Final = variable("api", "port")
_ANY_PORT: Final = "0"


def demo_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's variables, with short days, and secrets made for this run instead of the caller's.

    The API takes tokens of the demo alone, on this machine alone.
    """
    ours = {variable("secrets", f"{name}_file") for name in SECRET_NAMES}
    ours |= {variable("auth", name) for name in Auth.model_fields}
    kept = {name: value for name, value in environ.items() if name not in ours}
    return {**kept, **_short_days(), **_auth(), **{variable("secrets", n): _key() for n in SECRET_NAMES}}


def api_port(environ: Mapping[str, str]) -> dict[str, str]:
    """The port of the API: the caller's, else the usual one if nobody has it, else a free one."""
    usual = Api().port
    wanted = environ.get(_API_PORT) or (str(usual) if is_free(usual) else _ANY_PORT)
    return {_API_PORT: str(free_port()) if wanted == _ANY_PORT else wanted}


def _short_days() -> dict[str, str]:
    return {
        variable("kafka", "create_topics"): "true",
        variable("enabled_on_first_start"): "true",
        variable("retention", "day_seconds"): str(DAY_SECONDS),
        variable("worker", "sweep_interval_seconds"): "1",
    }


def _auth() -> dict[str, str]:
    return {
        variable("api", "host"): HOST,
        variable("auth", "issuer"): "order-records-demo",
        variable("auth", "audience"): "order-records",
        variable("auth", "hs256_secret"): _key(),
    }


def _key() -> str:
    return base64.b64encode(os.urandom(32)).decode()
