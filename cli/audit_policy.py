"""`order-records audit policy`: the policy document whose digest an audit event states."""

import asyncio
import hashlib
import re
import sys
from collections.abc import Iterator
from typing import Any, Final

import click

from cli.connected import connected
from records.mongo.policies import gdpr_policy, policy_history
from records.policy import DateRules, GdprPolicy
from records.policy_document import policy_document
from runtime.errors import UserError
from runtime.settings import Settings, load_settings


class Digest(click.ParamType[str]):
    """A SHA-256 in hexadecimal digits, with or without `sha256:` before."""

    name = "digest"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        digits = str(value).removeprefix("sha256:").lower()
        if not re.fullmatch(r"[0-9a-f]{64}", digits):
            self.fail(
                "should be sha256: and 64 hexadecimal digits, as an event's policyDigest is", param, ctx
            )
        return digits


_UNKNOWN: Final = (
    "no policy that the database knows has this digest, with these settings and this build's erasure table: "
    "the current one, the last hundred before it, and the default were tried. Ask the build that the event "
    "names, with the ORDER_RECORDS_RETENTION__ settings of its time"
)


@click.command()
@click.argument("digest", type=Digest())
def policy(*, digest: str) -> None:
    """Print the policy document that has this DIGEST: what is erased, and after how many days.

    Its exact bytes: their SHA-256 is the digest, with no line break where they go into a file or a pipe.

    \b
    Example:
      order-records audit policy sha256:938088cf... | sha256sum
    """  # noqa: D301 (click reads the \b)
    document = asyncio.run(_document(load_settings(), digest))
    if document is None:
        raise UserError(_UNKNOWN)
    click.echo(document, nl=sys.stdout.isatty())


async def _document(settings: Settings, digest: str) -> bytes | None:
    rules = DateRules.of(**settings.retention.date_numbers())
    async with connected(settings, settings.bound(None)) as database:
        policies = [await gdpr_policy(database), *(past.policy for past in await policy_history(database))]
    for document in _documents(policies, rules):
        if hashlib.sha256(document).hexdigest() == digest:
            return document
    return None


def _documents(policies: list[GdprPolicy], rules: DateRules) -> Iterator[bytes]:
    for each in (*policies, GdprPolicy()):
        yield policy_document(each, rules)
