"""The page docs/settings.md, generated from the settings."""

from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from runtime.environment import variables
from runtime.settings import Settings

INTRODUCTION = """# Settings
Every process reads its settings once, at its start, from environment variables. A value that cannot be used,
or a variable of this prefix that is not in the table, stops it with one line that names the variable and
never shows the value. An empty value counts as unset. Secrets are never printed; `order-records keys` makes
the three keys, and each process requires only those that it uses.

This page is generated from the code: `make docs`.

"""


def settings_table(model: type[BaseModel]) -> str:
    """A Markdown table with one line for each environment variable: name, default, meaning and units."""
    lines = [
        f"| `{name}` | {_default(field.default)} | {_meaning(field)} |"
        for name, field in variables(model).items()
    ]
    return "\n".join(["| variable | default | what it is |", "| --- | --- | --- |", *lines]) + "\n"


def settings_page() -> str:
    """The whole page."""
    return INTRODUCTION + settings_table(Settings)


def _default(value: Any) -> str:
    if value is None or value == ():
        return "unset"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()  # a default is public
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _meaning(field: FieldInfo) -> str:
    choices = _choices(field.annotation)
    described = (field.description or "").replace("|", "\\|")
    return f"{described} One of {', '.join(f'`{choice}`' for choice in choices)}." if choices else described


def _choices(annotation: Any) -> tuple[str, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()
