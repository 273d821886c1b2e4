"""`order-records audit proof` and `verify-proof`: what was done to one order, for who has nothing else."""

import asyncio
import base64
import os
import sys
from pathlib import Path
from typing import Final
from uuid import UUID

import click

from audit.findings import Outcome
from cli.audit_certificate import Certificate, Opening, Proven, Unproven, prove, read_certificate
from cli.audit_keys import KEY, log_keys
from cli.audit_options import EXPORT, source_of
from cli.audit_proving import proven_events
from cli.audit_reading import progress_bar
from cli.parameters import Word
from cli.quarantine_options import AS_JSON
from cli.quarantine_view import print_facts, text
from records import identity
from records.identity import NaturalKey
from records.keys import RecordKeys
from runtime.errors import UserError
from runtime.settings import Settings, load_settings

_RETIRED: Final = "a retired key has signed it: whoever has got hold of that key can have made it since"


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@EXPORT
@KEY
@click.option("--record-id", type=click.UUID, help="The id of the record.")
@click.option(
    "--tenant-order-record-id",
    type=Word(),
    metavar="NUMBER",
    help="The order's number, which is then in FILE; needs ORDER_RECORDS_SECRETS__ID_KEY.",
)
def proof(
    *,
    file: Path,
    export: Path | None,
    given: tuple[str, ...],
    record_id: UUID | None,
    tenant_order_record_id: str | None,
) -> None:
    """Write a FILE that proves what was done to one order, and when.

    It holds the record's events, a proof for each that it is among those that were signed (C2SP
    tlog-proof), and, if the order is named by its number, what shows that the record is that order's. Then
    it names the order: give it to nobody else than to whom it is due. Reads the trail twice.

    \b
    Example:
      order-records audit proof proof.json --tenant-order-record-id ORD-2026-000123
      order-records audit verify-proof proof.json --key verifier.txt
    """  # noqa: D301 (click reads the \b)
    if (record_id is None) == (tenant_order_record_id is None):
        raise click.UsageError("name the record once: by its id, or by its order's number")
    settings = load_settings()
    keys = log_keys(given, settings)
    identifier, opening = _named(settings, record_id, tenant_order_record_id)
    with progress_bar() as shown:
        events = asyncio.run(proven_events(source_of(export, settings), keys, identifier, shown))
    _write(file, Certificate(record_id=identifier, opening=opening, events=events).encode())
    many = "1 event" if len(events) == 1 else f"{len(events)} events"
    click.echo(f"{file} proves {many} of record {identifier}")


@click.command("verify-proof")
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@KEY
@AS_JSON
def verify_proof(*, file: Path, given: tuple[str, ...], as_json: bool) -> None:
    """Verify a FILE that `audit proof` has written: with nothing but the trail's public key.

    Exit codes: 0 proven, 4 not proven, 64 a wrong call.

    \b
    Example:
      order-records audit verify-proof proof.json --key verifier.txt
    """  # noqa: D301
    keys = log_keys(given, load_settings())
    certificate = read_certificate(file)
    try:
        proven, why = prove(certificate, keys), None
    except Unproven as error:
        proven, why = [], str(error)
    if as_json:
        click.echo(text(_facts(certificate, proven, why)))
    else:
        _print(certificate, proven, why)
        if any(each.key != keys[0] for each in proven):
            click.echo(f"note  {_RETIRED}")
    sys.exit(int(Outcome.SOUND if why is None else Outcome.INVALID))


def _write(file: Path, content: bytes) -> None:
    """For its owner alone, since it names an order. Raises UserError."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
            os.fchmod(opened.fileno(), 0o600)
            opened.write(content)
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}") from None


def _named(settings: Settings, record_id: UUID | None, number: str | None) -> tuple[str, Opening | None]:
    if number is None:
        return str(record_id), None
    key = RecordKeys.derive(settings.secrets.require("id_key")).identity
    name = NaturalKey.of_order(number)
    secret = base64.b64encode(identity.opening(key, name)).decode()
    return identity.record_id(key, name), Opening(tenant_order_record_id=number, opening=secret)


def _facts(certificate: Certificate, proven: list[Proven], why: str | None) -> dict[str, object]:
    opening = certificate.opening
    return {
        "proven": why is None,
        "why": why,
        "recordId": certificate.record_id,
        "tenantOrderRecordId": None if opening is None else opening.tenant_order_record_id,
        "events": [each.facts() for each in proven],
    }


def _print(certificate: Certificate, proven: list[Proven], why: str | None) -> None:
    if why is not None:
        click.echo(f"NOT PROVEN: {why}")
        return
    opening = certificate.opening
    number = {} if opening is None else {"order": opening.tenant_order_record_id}
    print_facts({"verdict": "PROVEN", **number, "record": certificate.record_id})
    for each in proven:
        event, due = each.event, each.event["data"].get("due", "-")
        click.echo(f"  {event['time']}  {event['type']}  due {due}  policy {event['data']['policyDigest']}")
        click.echo(
            f"    event {each.offset} of {each.signed} that were signed, at {each.signed_at} by key "
            f"{each.key.id.hex()}"
        )
