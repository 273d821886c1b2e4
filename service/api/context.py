"""What every route needs, made once when `serve` starts."""

from dataclasses import dataclass

from fastapi import Request
from starlette.types import Scope

from records.keys import RecordKeys
from records.mongo.client import Database
from records.mongo.policies import CachedPolicy
from records.mongo.search import SearchKeys
from records.policy import DateRules
from records.record import RecordRules
from records.totals import TaxMode
from runtime import metrics
from service.api.auth import Authenticator, Forbidden, Permission, Principal, Unauthenticated, require
from service.api.clock import Clock
from service.api.errors import RequestFault


@dataclass(frozen=True, repr=False)
class ApiContext:
    """Database, clock, keys, rules, and who may do what."""

    database: Database
    clock: Clock
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
        return self.keys.pseudonym(principal.subject)

    def authorize(self, request: Request, permission: Permission) -> Principal:
        """Who asks. Raises RequestFault 401 or 403, with the contract's text and nothing else."""
        try:
            principal = self._principal(request.scope)
            require(principal, permission)
        except Unauthenticated as refused:
            metrics.TOKENS_REFUSED.labels(refused.reason).inc()
            raise RequestFault(401) from None
        except Forbidden:
            metrics.TOKENS_REFUSED.labels("permission").inc()
            raise RequestFault(403) from None
        return principal

    def admits(self, scope: Scope) -> bool:
        """Whether a request comes with a good token, whatever that allows."""
        try:
            self._principal(scope)
        except Unauthenticated:
            return False
        return True

    def _principal(self, scope: Scope) -> Principal:
        """A good token is verified once per request, whoever asks first."""
        state = scope.setdefault("state", {})
        if "principal" not in state:
            sent = [value for name, value in scope["headers"] if name == b"authorization"]
            header = b", ".join(sent).decode("latin-1") or None
            state["principal"] = self.authenticator.authenticate(header)
        principal: Principal = state["principal"]
        return principal
