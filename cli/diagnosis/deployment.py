"""What the settings say, and whether they fit the database."""

from collections.abc import Mapping
from typing import Final

from cli.diagnosis.asking import Unanswered
from cli.diagnosis.finding import Check, Finding, ok, problem, warning
from records.keys import RecordKeys
from records.mongo.configuration import Configuration
from runtime.environment import variable
from runtime.secret_keys import SECRET_NAMES, SecretName, Secrets
from runtime.settings import Settings

DAY_SECONDS: Final = 86_400
_ID_KEY: Final = variable("secrets", "id_key")
_WHO_NEEDS: Final[dict[SecretName, str]] = {
    "id_key": "`consume` and `serve` need the one this database was first used with; "
    "`order-records keys` makes one for a new database",
    "quarantine_key": "`consume` needs it; `order-records keys` makes one",
    "audit_signing_key": "`work` needs it; `order-records keys` makes one",
}
_CHECKS: Final[dict[SecretName, Check]] = {
    "id_key": Check.ID_KEY,
    "quarantine_key": Check.QUARANTINE_KEY,
    "audit_signing_key": Check.AUDIT_SIGNING_KEY,
}


def judge_enabled(stored: Configuration | Unanswered, *, on_first_start: bool | None) -> Finding:
    """Whether anything is read from Kafka at all."""
    if isinstance(stored, Unanswered):
        return problem(
            Check.ENABLED, f"unknown: {stored.why}", "Mend what is named below: the database knows it."
        )
    if stored.enabled:
        return ok(Check.ENABLED, "enabled: events are read from Kafka")
    seen = "disabled: nothing is read from Kafka"
    if stored.version == 0 and on_first_start:
        return warning(Check.ENABLED, seen, "Start a process: its first start in this database enables them.")
    path = "PUT isOrderRecordsEnabled true to /api/configurations/orderrecords"
    if stored.version == 0:
        path += f", or start with {variable('enabled_on_first_start')}=true"
    return warning(Check.ENABLED, seen, f"To enable them, {path}.")


def judge_settings(settings: Settings, bound: Mapping[str, str] | Unanswered) -> list[Finding]:
    """The settings themselves, and those that may never change against what was bound at the first start."""
    retention = settings.retention
    known = {} if isinstance(bound, Unanswered) else bound
    return [
        ok(Check.SETTINGS, "can be read"),
        _judge_day(retention.day_seconds),
        ok(
            Check.EVENT_AGE,
            f"accepted up to {retention.max_event_age_days} days, erased ids are remembered for "
            f"{retention.ledger_days}",
        ),
        _judge_bound(settings, bound),
        _judge_id_key(settings.secrets, known),
        *(_judge_key(settings.secrets, name) for name in SECRET_NAMES if name != "id_key"),
    ]


def _judge_day(seconds: float) -> Finding:
    if seconds == DAY_SECONDS:
        return ok(Check.DAY, "24 hours")
    return problem(
        Check.DAY,
        f"{seconds:g} seconds",
        f"Only demos and tests have other days than {DAY_SECONDS} s: unset "
        f"{variable('retention', 'day_seconds')}, and take a new database, since this one is bound to it.",
    )


def _judge_bound(settings: Settings, bound: Mapping[str, str] | Unanswered) -> Finding:
    if isinstance(bound, Unanswered):
        return warning(Check.BOUND, f"not compared: {bound.why}", "Mend MongoDB first: it knows them.")
    differing = [name for name, value in settings.bound(None).items() if bound.get(name, value) != value]
    if differing:
        return problem(
            Check.BOUND,
            f"{', '.join(differing)}: not what this database was first used with",
            "Set it back, or use another database: no process starts like this. Another audit trail is begun "
            "by `order-records audit begin`.",
        )
    return ok(
        Check.BOUND, "as at the first start" if bound else "nothing is bound yet: no process has started"
    )


def _judge_id_key(secrets: Secrets, bound: Mapping[str, str]) -> Finding:
    first = bound.get(_ID_KEY)
    if secrets.id_key is None:
        return _judge_key(secrets, "id_key")
    if first is None:
        return ok(Check.ID_KEY, "set; there is nothing to compare it with yet")
    if RecordKeys.derive(secrets.require("id_key")).fingerprint == first:
        return ok(Check.ID_KEY, "set, and the one this database was first used with")
    return problem(
        Check.ID_KEY,
        "not the one this database was first used with",
        f"Set {_ID_KEY} to the right secret; do not go around this check, or erased orders come back.",
    )


def _judge_key(secrets: Secrets, name: SecretName) -> Finding:
    if getattr(secrets, name) is not None:
        return ok(_CHECKS[name], "set")
    return warning(
        _CHECKS[name],
        "not set",
        f"Set {variable('secrets', name)}: {_WHO_NEEDS[name]}.",
    )
