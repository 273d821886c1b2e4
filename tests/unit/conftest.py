"""How generated tests run: a busy machine is no fault, and in CI every run tries the same examples."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "unit",
    settings.get_profile("ci" if os.environ.get("CI") else "default"),
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unit")
