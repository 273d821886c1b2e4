"""What the figures were measured on: without it they say nothing."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Final

_PACKAGES: Final = ("fastapi", "uvicorn", "pymongo", "pydantic")
_CPU_INFO: Final = Path("/proc/cpuinfo")


def describe_machine(server: str) -> dict[str, str]:
    """Processor, system and versions, by name; `server` is what the database says of itself."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return {
        "cpus": f"{os.cpu_count()} x {_processor()}",
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}, {packages}",
        "mongodb": server,
    }


def _processor() -> str:
    lines = _CPU_INFO.read_text(encoding="utf-8").splitlines() if _CPU_INFO.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")
