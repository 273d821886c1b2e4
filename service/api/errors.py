"""What is said when a request fails: the contract's `ApiError` array, and never a value of the sender's."""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from records.clock import ClockUntrusted
from records.mongo.errors import StoreUnavailable
from records.mongo.page_bytes import PageTooLarge
from records.mongo.read_deadline import QueryTooSlow

log = structlog.get_logger(__name__)

MAX_FAULTS: Final = 100
RETRY_SECONDS: Final = 2
_MAX_PATH_CHARACTERS: Final = 200

SUMMARIES: Final[dict[int, str]] = {
    400: "Invalid input. See response for details.",
    401: "Your user is not allowed to operate against this API instance",
    403: "Your user, although recognized, is not authorized to use this endpoint",
    404: "The requested entity was not found",
    405: "This address does not know this method",
    408: "The request did not arrive in time",
    413: "The body is too large",
    414: "The address is too long",
    415: "The body should be application/json in UTF-8",
    431: "The header fields are too many or too large",
    500: "Something went wrong here, and it was written down",
    503: "The service cannot answer at the moment; try again later",
}
"""The contract's texts where it has some (400 to 404), else ours."""

_HEADERS: Final[dict[int, dict[str, str]]] = {
    401: {"WWW-Authenticate": "Bearer"},
    503: {"Retry-After": str(RETRY_SECONDS)},
}
# What a validator says in these may hold what was sent.
_TELLING: Final = {
    "union_tag_invalid": "no such kind",
    "value_error": "not a value that is allowed here",
    "assertion_error": "not a value that is allowed here",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One member of an `ApiError`; what is empty or None is left out.

    `request_version` is the version that the client sent, `version` the current one.
    """

    summary: str
    description: str = ""
    request_version: int | None = None
    version: int | None = None

    def members(self) -> dict[str, str | int]:
        """The fault by the contract's names."""
        members = {
            "summary": self.summary,
            "description": self.description or None,
            "requestVersion": self.request_version,
            "version": self.version,
        }
        return {name: value for name, value in members.items() if value is not None}


class RequestFault(HTTPException):
    """Ends a request with this status; without faults the status speaks for itself."""

    # An HTTPException because that is what FastAPI passes on unchanged when it is raised by reading the body.
    def __init__(
        self, status: int, faults: Iterable[Fault] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, detail=SUMMARIES.get(status), headers=headers)
        self.faults: Final = list(faults)


def invalid(problem: str, path: str = "") -> Fault:
    """A fault of the input: what is wrong, and where (a JSON pointer, RFC 6901)."""
    return Fault(SUMMARIES[400], f"{path[:_MAX_PATH_CHARACTERS]}: {problem}" if path else problem)


def api_error(
    status: int, faults: Iterable[Fault] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """The answer that names these faults; without any, the text of the status."""
    named = list(faults) or [Fault(SUMMARIES.get(status) or HTTPStatus(status).phrase)]
    body = orjson.dumps([fault.members() for fault in named])
    return Response(body, status, _HEADERS.get(status, {}) | dict(headers or {}), "application/json")


def install_error_handlers(app: FastAPI, admits: Callable[[Scope], bool]) -> None:
    """Every error of the routes becomes an `api_error`; one that nobody expected, a 500 and a log line.

    Parameters are judged before a route can ask who calls, so whoever `admits` does not know hears that
    first.
    """

    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        return api_error(400, faults_of(error.errors())) if admits(request.scope) else api_error(401)

    handlers: dict[type[Exception], Any] = {
        RequestFault: _on_fault,
        HTTPException: _on_http_exception,
        RequestValidationError: on_invalid,
        StoreUnavailable: _on_unavailable,
        QueryTooSlow: _on_too_slow,
        PageTooLarge: _on_too_large,
        ClockUntrusted: _on_clock_untrusted,
        TimeoutError: _on_unavailable,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
    app.add_middleware(CatchAll)


class CatchAll:
    """Turns what nobody caught into a 500 whose reference is in the log line; nothing else of it is told.

    Starlette's own last handler raises the error again after its answer, and it would be logged twice.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception:
            reference = request_id(scope)
            log.exception("request failed", reference=reference)
            if not started and scope["type"] == "http":
                fault = Fault(SUMMARIES[500], f"reference {reference}")
                await api_error(500, [fault])(scope, receive, send)


def request_id(scope: Scope) -> str:
    """The random name of a request, the same in its log lines and its answer."""
    name: str = scope.setdefault("state", {}).setdefault("request_id", secrets.token_hex(8))
    return name


async def _on_fault(_: Request, error: RequestFault) -> Response:
    return api_error(error.status_code, error.faults, error.headers)


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (known := _methods_at(request)):
        headers = {"Allow": ", ".join(known)}
    # Its detail is left out: libraries write there what they like.
    return api_error(error.status_code, (), headers)


def _methods_at(request: Request) -> list[str]:
    """Those of every route at this address (RFC 9110, section 10.2.1); a router names those of the first."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    here = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in here for method in route.methods or ()})


async def _on_unavailable(_: Request, __: Exception) -> Response:
    return api_error(503)


async def _on_too_slow(_: Request, error: QueryTooSlow) -> Response:
    return api_error(503, [Fault(SUMMARIES[503], f"the query took too long: {error.narrow}")])


async def _on_too_large(_: Request, error: PageTooLarge) -> Response:
    return api_error(400, [invalid(str(error))])


async def _on_clock_untrusted(_: Request, __: Exception) -> Response:
    why = "no order is stored while this service's clock and its database's differ"
    return api_error(503, [Fault(SUMMARIES[503], why)])


def faults_of(errors: Sequence[Any]) -> list[Fault]:
    """The faults of a failed validation, each by its place; of very many the first, and how many more."""
    faults = [_fault(each) for each in errors[:MAX_FAULTS]]
    if len(errors) > MAX_FAULTS:
        faults.append(invalid(f"and {len(errors) - MAX_FAULTS} more faults"))
    return faults


def _fault(error: Mapping[str, Any]) -> Fault:
    """A validator's error; members that nobody asked for go unnamed, since their names are the sender's."""
    kind, place = error["type"], list(error["loc"])
    if kind == "json_invalid":
        return invalid("the body is not valid JSON")
    if kind == "extra_forbidden":
        place[-1] = "*"
    path = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in place)
    return invalid(_TELLING.get(kind, error["msg"]), path)
