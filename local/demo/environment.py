"""The variables of the demo's processes: the caller's, without what would meet the demo's own."""

import base64
import os
from collections.abc import Mapping

from local.demo.options import DAY_SECONDS
from runtime.environment import variable
from runtime.secret_keys import SECRET_NAMES


def demo_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's variables, with short days, and secrets made for this run instead of the caller's."""
    files = {variable("secrets", f"{name}_file") for name in SECRET_NAMES}
    kept = {name: value for name, value in environ.items() if name not in files}
    return {**kept, **_short_days(), **{variable("secrets", n): _key() for n in SECRET_NAMES}}


def _short_days() -> dict[str, str]:
    return {
        variable("kafka", "create_topics"): "true",
        variable("enabled_on_first_start"): "true",
        variable("retention", "day_seconds"): str(DAY_SECONDS),
        variable("worker", "sweep_interval_seconds"): "1",
    }


def _key() -> str:
    return base64.b64encode(os.urandom(32)).decode()
