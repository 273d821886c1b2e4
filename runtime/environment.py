"""Environment variables in, one frozen settings object or one clear line out."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource

from runtime.errors import UserError

PREFIX = "ORDER_RECORDS_"
TEST_PREFIX = "ORDER_RECORDS_TEST_"

# Kubernetes puts such variables into every pod for a Service called `order-records...` ("service links").
# They are not ours and not typing errors.
_SERVICE_LINK = re.compile(
    r"_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$"
)
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://")

_SUBJECT = re.compile(r"^(Input|String|Data) (?=should)")  # the variable's name takes its place

Model = TypeVar("Model", bound=BaseSettings)


def variable(*path: str) -> str:
    """The environment variable of a setting: `variable("mongo", "uri")` is `ORDER_RECORDS_MONGO__URI`."""
    return PREFIX + "__".join(path).upper()


def variables(model: type[BaseModel], path: tuple[str, ...] = ()) -> dict[str, FieldInfo]:
    """Every environment variable of the settings with its field, in the order they are declared."""
    known: dict[str, FieldInfo] = {}
    for name, field in model.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, BaseModel):
            known |= variables(group, (*path, name))
        else:
            known[variable(*path, name)] = field
    return known


def read_environment(model: type[Model], environ: Mapping[str, str]) -> Model:
    """The settings of `environ`; an empty value counts as unset, so that a template may leave blanks.

    Raises UserError: one line that names each variable at fault and what was expected, never a value.
    """
    ours = {name: value for name, value in environ.items() if name.startswith(PREFIX) and value}
    known = variables(model)
    _refuse_unknown(ours, known)
    source = EnvSettingsSource(model)
    source.env_vars = {name.lower(): value for name, value in ours.items() if name in known}
    try:
        return model.model_validate(source())
    except ValidationError as error:
        # Not chained: the text of a ValidationError shows its input.
        raise UserError(_one_line(error, known)) from None


def _refuse_unknown(ours: Mapping[str, str], known: Iterable[str]) -> None:
    names = list(known)
    for name, value in ours.items():
        if name in names or name.startswith(TEST_PREFIX) or _is_service_link(name, value):
            continue
        # Without the prefix, which would make everything look alike.
        bare = [known_name.removeprefix(PREFIX) for known_name in names]
        nearest = difflib.get_close_matches(name.removeprefix(PREFIX), bare, n=1)
        hint = f"did you mean {PREFIX}{nearest[0]}?" if nearest else "docs/settings.md lists all of them"
        raise UserError(f"{name} is not a setting: {hint}")


def _is_service_link(name: str, value: str) -> bool:
    if _SERVICE_LINK.search(name):
        return True
    return name.endswith("_PORT") and _SERVICE_ADDRESS.match(value) is not None


def _one_line(error: ValidationError, known: Iterable[str]) -> str:
    names = set(known)
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(_problem(problem["loc"], problem["msg"], names) for problem in problems)


def _problem(loc: tuple[Any, ...], message: str, known: set[str]) -> str:
    text = _SUBJECT.sub("", message.removeprefix("Value error, "))
    for depth in (2, 1):
        name = variable(*(str(part) for part in loc[:depth]))
        if name in known:
            return f"{name} {text}"
    return text  # a rule over several variables, which names them itself
