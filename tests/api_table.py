"""What is sent to the API and what it has to say, as a table; tests/integration/test_api_statuses.py asks.

A row is an endpoint, what is sent to it, the status, and where the faults are. The database that the table
speaks of takes orders (configuration and policy in version 1) and holds a record.
"""

import json
import time
from dataclasses import dataclass, field
from typing import Any, Final

from tests.api_app import ALL, CANARY, ENDPOINTS
from tests.tokens import SECRET, claims, good, segment, signed

LIST, GET, SEARCH, PUT, FLAG, NEW_FLAG, POLICY, NEW_POLICY, LIFECYCLE = (
    f"{method} {path}" for method, path, _ in ENDPOINTS
)
PERMISSION: Final = {f"{method} {path}": permission for method, path, permission in ENDPOINTS}
WITH_BODY: Final = (SEARCH, PUT, NEW_FLAG, NEW_POLICY)

STORED: Final = "the id of the record that is there"

_JSON: Final = {"Content-Type": "application/json"}
_MIB: Final = 2**20


@dataclass(frozen=True)
class Row:
    """A call. `path` takes the id's place, or goes behind the address; `body` is JSON unless it is bytes."""

    endpoint: str
    says: str
    status: int
    places: tuple[str, ...] = ()
    path: str = ""
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def address(self, stored: str) -> str:
        """`stored` is the id of a record that is there."""
        address = self.endpoint.split()[1]
        if "{" not in address:
            return address + self.path
        return address.replace("{orderRecordId}", stored if self.path == STORED else self.path or "x")

    @property
    def content(self) -> bytes | None:
        return self.body if isinstance(self.body, bytes | None) else json.dumps(self.body).encode()


def _row(endpoint: str, says: str, status: int, *places: str, **how: Any) -> Row:
    """A refusal without places is one of the request as a whole."""
    return Row(endpoint, says, status, places or (("",) if status >= 400 else ()), **how)


def _sent(
    endpoint: str, says: str, status: int, *places: str, body: Any, path: str = "", **headers: str
) -> Row:
    return _row(endpoint, says, status, *places, body=body, path=path, headers=_JSON | headers)


def _of_each() -> list[Row]:
    """What is refused in the same words wherever it is sent."""
    wordy = {f"x-{number}": CANARY for number in range(120)}
    forged = f"Bearer {signed('x' * 40, 'HS256', sub=CANARY)}"
    rows = []
    for each, permission in PERMISSION.items():
        body: Any = {} if each in WITH_BODY else None
        others = good(permissions=[name for name in ALL if name != permission])
        rows += [
            _row(each, "no token", 401, body=body, headers={"Authorization": ""}),
            _row(each, "no bearer token", 401, body=body, headers={"Authorization": CANARY}),
            _row(each, "forged token", 401, body=body, headers={"Authorization": forged}),
            _row(each, "other permissions", 403, body=body, headers={"Authorization": others}),
            _row(each, "long address", 414, path="?" * (each != GET) + "x" * 8300, body=body),
            _row(each, "120 fields", 431, body=body, headers=wordy),
            _row(each, "a body of 17 MiB", 413, body=b" " * (17 * _MIB), headers=_JSON),
            _row(each, "a field of 48 kB", 431, body=body, headers={"x": CANARY * 4000}),
        ]
    return rows


def _of_each_body() -> list[Row]:
    """What is wrong with a body before anybody asks what it says."""
    told = json.dumps({CANARY: CANARY}).encode()
    rows = []
    for each in WITH_BODY:
        rows += [
            _row(each, "no body", 400, headers=_JSON),
            _sent(each, "empty body", 400, body=b""),
            _sent(each, "no JSON", 400, body=CANARY.encode()),
            _sent(each, "cut short", 400, body=told[:-1]),
            _sent(each, "two texts", 400, body=told * 2),
            _sent(each, "no UTF-8", 400, body=told.replace(b"7f3a", b"\xff")),
            _sent(each, "UTF-16", 400, body=told.decode().encode("utf-16")),
            _sent(each, "a byte order mark", 400, body=b"\xef\xbb\xbf" + told),
            _sent(each, "half a surrogate pair", 400, body=b'{"query": "\\ud800"}'),
            _sent(each, "101 levels", 400, body=b"[" * 101 + b"]" * 101),
            _row(each, "no type", 415, body=told),
            _sent(each, "another type", 415, body=told, **{"Content-Type": f"text/{CANARY}"}),
            _sent(
                each, "UTF-16, said", 415, body=told, **{"Content-Type": "application/json; charset=utf-16"}
            ),
            _sent(each, "compressed", 415, body=told, **{"Content-Encoding": CANARY}),
        ]
    return rows


_LONG: Final = CANARY + "x" * (1025 - len(CANARY))
_NO_NUMBERS: Final = (
    "0",
    "-1",
    "1.5",
    "",
    CANARY,
    "true",
    "1e2",
    "NaN",
    "0x10",
    "%D9%A1",
    "1_0",
    "+5",
    "%205",
    str(2**63),
    "9" * 5000,
)


def _of_list() -> list[Row]:
    names = ("startAfterId", "facilityRef", "tenantOrderRecordId")
    return [
        _row(LIST, "as it is", 200),
        *(_row(LIST, f"size {size}", 200, path=f"?size={size}") for size in (1, 500, "25.0")),
        *(
            _row(LIST, f"size {size[:9]}", 400, "/query/size", path=f"?size={size}")
            for size in (*_NO_NUMBERS, "501", str(10**9))
        ),
        *(_row(LIST, f"{name} of 1024", 200, path=f"?{name}={'x' * 1024}") for name in names),
        *(_row(LIST, f"{name} of 1025", 400, f"/query/{name}", path=f"?{name}={_LONG}") for name in names),
        _row(
            LIST, "two faults", 400, "/query/facilityRef", "/query/size", path=f"?size=0&facilityRef={_LONG}"
        ),
        # A filter that went unread would show what nobody asked for.
        *(
            _row(LIST, f"a name that nobody knows: {name[:9]}", 400, "/query/*", path=f"?{name}={CANARY}")
            for name in ("id[$gt]", "facilityRef[$ne]", "facilityref", "%24where", "__proto__", CANARY, "")
        ),
        *(_row(LIST, f"{name} twice", 400, f"/query/{name}", path=f"?{name}=1&{name}=1") for name in names),
        _row(LIST, "size twice", 400, "/query/size", path="?size=1&size=1"),
        _row(LIST, "a wrong size and no token", 401, path="?size=0", headers={"Authorization": ""}),
    ]


def _of_tokens() -> list[Row]:
    """API-14..20, as far as one secret goes: no refused token learns why. More are in unit/test_auth.py."""
    now = int(time.time())
    bad: dict[str, str] = {
        "no signature": f"{segment({'alg': 'none'})}.{segment(claims(sub=CANARY))}.",
        "another algorithm": signed(SECRET * 2, "HS512"),
        "expired": signed(SECRET, "HS256", exp=now - 60, iat=None),
        "not yet valid": signed(SECRET, "HS256", nbf=now + 7200),
        "without an end": signed(SECRET, "HS256", exp=None),
        "ending in 10^22 years": signed(SECRET, "HS256", exp=10**30),
        "of two days": signed(SECRET, "HS256", exp=now + 2 * 86_400),
        "for others": signed(SECRET, "HS256", aud=CANARY),
        "of another issuer": signed(SECRET, "HS256", iss=f"https://{CANARY}"),
        "of nobody": signed(SECRET, "HS256", sub=None),
        "of 9 kB": signed(SECRET, "HS256", padding=CANARY * 600),
        "with an address of keys": signed("x" * 40, "HS256", header={"jku": f"https://{CANARY}/keys"}),
        "with a kid that is a path": signed("x" * 40, "HS256", kid=f"../../{CANARY}"),
        "of two tokens": f"{signed(SECRET, 'HS256')}, Bearer {signed(SECRET, 'HS256')}",
    }
    return [
        *(
            _row(LIST, f"a token {name}", 401, headers={"Authorization": f"Bearer {t}"})
            for name, t in bad.items()
        ),
        _row(LIST, "a token without permissions", 403, headers={"Authorization": good()}),
        _row(LIST, "a permission by scope", 200, headers={"Authorization": good(scope="ORDER_RECORD_READ")}),
    ]


def _of_get() -> list[Row]:
    unknown = (CANARY, "x" * 1024, "%00", "%24where", "a.b", "%20", "%2E%2E", "%F0%9F%98%80")
    return [
        _row(GET, "a record", 200, path=STORED),
        *(_row(GET, f"an id of nothing: {text[:9]}", 404, path=text) for text in unknown),
        _row(GET, "an id of 1025", 400, "/path/orderRecordId", path=_LONG),
    ]


def _of_put() -> list[Row]:
    place = "/operations"
    no_lists: tuple[Any, ...] = ([], [CANARY] * 26, {}, {"0": {}}, None, CANARY, 1)
    no_objects: tuple[Any, ...] = ([], {}, 1, b"null", CANARY)
    return [
        *(
            _sent(PUT, f"operations: {str(sent)[:9]}", 400, place, body={"operations": sent})
            for sent in no_lists
        ),
        *(_sent(PUT, f"a body of {sent!r}", 400, place, body=sent) for sent in no_objects),
        *(_sent(PUT, f"{count} operations", 200, body={"operations": [1] * count}) for count in (1, 25)),
        *(
            _sent(PUT, f"a key of {size}", 200, body={"operations": [1]}, **{"Idempotency-Key": "k" * size})
            for size in (1, 256)
        ),
        *(
            _sent(
                PUT,
                f"a key of {len(key)}",
                400,
                "/header/idempotency-key",
                body={"operations": [1]},
                **{"Idempotency-Key": key},
            )
            for key in ("", _LONG[:257])
        ),
    ]


def _wrong(endpoint: str, member: str, *values: Any, **others: Any) -> list[Row]:
    """Bodies with one member that is wrong, or that nobody knows."""
    place = "/*" if member == CANARY else f"/{member}"
    return [
        _sent(endpoint, f"{member}: {str(value)[:20]}", 400, place, body={**others, member: value})
        for value in values
    ]


_NO_VERSIONS: Final = (-1, 2**53 + 1, 10**30, 0.5, "0", None, True, CANARY, [0], {"$gt": 0})
_NO_DAYS: Final = (0, -1, 36_501, 10**30, 0.5, "1", None, True, CANARY, {"$gt": 0})
_NO_FLAGS: Final = (0, 1, "true", None, CANARY, {"$ne": None})


def _of_configurations() -> list[Row]:
    flag: dict[str, Any] = {"version": 1, "isOrderRecordsEnabled": True}
    policy: dict[str, Any] = {"version": 1, "retentionTime": 31}
    return [
        _row(FLAG, "as it is", 200),
        _sent(NEW_FLAG, "nothing new", 200, body=flag),
        _sent(NEW_FLAG, "stale", 409, body=flag | {"version": 2**53}),
        _sent(NEW_FLAG, "nothing", 400, "/isOrderRecordsEnabled", "/version", body={}),
        *_wrong(NEW_FLAG, "version", *_NO_VERSIONS, isOrderRecordsEnabled=True),
        *_wrong(NEW_FLAG, "isOrderRecordsEnabled", *_NO_FLAGS, version=1),
        *_wrong(NEW_FLAG, CANARY, 1, **flag),
        _row(POLICY, "as it is", 200),
        _sent(NEW_POLICY, "nothing new", 200, body=policy),
        _sent(NEW_POLICY, "stale", 409, body=policy | {"version": 0, "retentionTime": 36_500}),
        *_of_dry_runs(policy),
        _sent(NEW_POLICY, "nothing", 400, "/retentionTime", "/version", body={}),
        *_wrong(NEW_POLICY, "version", *_NO_VERSIONS, retentionTime=1),
        *_wrong(NEW_POLICY, "retentionTime", *_NO_DAYS, version=1),
        *_wrong(NEW_POLICY, "deletionTimeAfterRetention", *_NO_DAYS, **policy),
        *_wrong(NEW_POLICY, "actorAnonymization", *_NO_FLAGS, **policy),
        *_wrong(NEW_POLICY, CANARY, 1, **policy),
    ]


def _of_dry_runs(policy: dict[str, Any]) -> list[Row]:
    flag, other = "/query/dryRun", policy | {"retentionTime": 36_500}
    stale = policy | {"version": 0}
    return [
        *(
            _sent(NEW_POLICY, f"nothing new, dryRun={value}", 200, body=policy, path=f"?dryRun={value}")
            for value in ("true", "false")
        ),
        _sent(NEW_POLICY, "tried", 200, body=other, path="?dryRun=true"),
        _sent(NEW_POLICY, "tried, stale", 409, body=stale, path="?dryRun=true"),
        _sent(NEW_POLICY, "tried, nothing", 400, "/retentionTime", "/version", body={}, path="?dryRun=true"),
        *(
            _sent(NEW_POLICY, f"dryRun={value[:9]}", 400, flag, body=other, path=f"?dryRun={value}")
            for value in ("", "1", "yes", "True", "TRUE", "null", CANARY)
        ),
        _sent(NEW_POLICY, "dryRun twice", 400, flag, body=other, path="?dryRun=true&dryRun=true"),
        # A dry run that was misspelt would be a change.
        *(
            _sent(NEW_POLICY, f"{name[:9]}=true", 400, "/query/*", body=other, path=f"?{name}=true")
            for name in ("dryrun", "dry_run", "dryRun[]", CANARY, "")
        ),
    ]


def _of_lifecycle() -> list[Row]:
    return [
        *(_row(LIFECYCLE, f"{days} days", 200, path=f"?days={days}") for days in (1, 366)),
        *(
            _row(LIFECYCLE, f"{days[:9]} days", 400, "/query/days", path=f"?days={days}")
            for days in (*_NO_NUMBERS, "367")
        ),
    ]


ROWS: Final = [
    *_of_each(),
    *_of_each_body(),
    *_of_list(),
    *_of_tokens(),
    *_of_get(),
    _sent(SEARCH, "everything", 200, body={"query": {}}),
    _sent(SEARCH, "no query", 400, "/query", body={}),
    *_of_put(),
    *_of_configurations(),
    *_of_lifecycle(),
]
