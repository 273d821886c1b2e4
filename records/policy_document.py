"""The policy document: what is erased and when, in one canonical text that audit events name by digest."""

import hashlib
from typing import Any

import orjson

from records.erasure import table_document
from records.policy import DateRules, GdprPolicy, policy_numbers


def policy_document(policy: GdprPolicy, rules: DateRules) -> bytes:
    """Erasure table and policy numbers as canonical JSON (sorted members, no spaces, UTF-8).

    Anybody who is handed these bytes can check the digest that an audit event states.
    """
    document: dict[str, Any] = {"erasure": table_document(), "policy": policy_numbers(policy, rules)}
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def policy_digest(policy: GdprPolicy, rules: DateRules) -> str:
    """`sha256:` and 64 hexadecimal digits of the policy document (design section 7)."""
    return f"sha256:{hashlib.sha256(policy_document(policy, rules)).hexdigest()}"


def plan_digest(policy: GdprPolicy, rules: DateRules) -> str:
    """What a plan is confirmed by: `sha256:` and 64 hexadecimal digits over policy digest and version.

    Any change of the policy makes another one of it, also a change and the way back.
    """
    plan = {"policyDigest": policy_digest(policy, rules), "policyVersion": policy.version}
    return f"sha256:{hashlib.sha256(orjson.dumps(plan, option=orjson.OPT_SORT_KEYS)).hexdigest()}"
