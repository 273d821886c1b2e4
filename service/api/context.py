"""What every route needs, made once when `serve` starts."""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request

from records.keys import RecordKeys
from records.mongo.client import Database
from records.mongo.policies import CachedPolicy
from records.mongo.search import SearchKeys
from records.policy import DateRules
from records.record import RecordRules
from records.totals import TaxMode
from service.api.auth import Authenticator, Forbidden, Permission, Principal, Unauthenticated, require
from service.api.errors import RequestFault


@dataclass(frozen=True, repr=False)
class ApiContext:
    """Database, keys, rules, and who may do what."""

    database: Database
    keys: RecordKeys
    dates: DateRules
    tax_mode: TaxMode
    policy: CachedPolicy
    authenticator: Authenticator
    indexed: bool
    build: str

    @property
    def search_keys(self) -> SearchKeys:
        """The keys that a search needs."""
        return SearchKeys(self.keys.identity, self.keys.cursor)

    async def rules(self) -> RecordRules:
        """How an order becomes a record, by the policy in force."""
        return RecordRules(self.keys, await self.policy.get(), self.dates, self.tax_mode)

    def pseudonym(self, principal: Principal) -> str:
        """The name of an actor on the audit topic: a keyed hash, whatever the policy says."""
        return hmac.digest(self.keys.actor, principal.subject.encode(), "sha256")[:16].hex()

    def authorize(self, request: Request, permission: Permission) -> Principal:
        """Who asks. Raises RequestFault 401 or 403, with the contract's text and nothing else."""
        header = ", ".join(request.headers.getlist("authorization")) or None
        try:
            principal = self.authenticator.authenticate(header)
            require(principal, permission)
        except Unauthenticated:
            raise RequestFault(401) from None
        except Forbidden:
            raise RequestFault(403) from None
        return principal


def utc_now() -> datetime:
    """Now, cut to the milliseconds that are stored; taken once per request."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
