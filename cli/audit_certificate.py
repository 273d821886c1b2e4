"""The file that proves what was done to one order: its events with a proof each, and its number if wanted."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from audit.checkpoint_book import told
from audit.keys import VerifierKey
from audit.merkle import InvalidProof
from audit.notes import NoteError
from audit.quick_facts import NotAnEvent, model_facts
from audit.tlog_proofs import TlogProof
from cli.json_files import read_model
from records.identity import NaturalKey, opened_id
from runtime.errors import UserError

MAX_EVENTS = 100
_MAX_BYTES = 1 << 20


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class ProvenEvent(_Model):
    """An event's exact text, and a C2SP tlog-proof of it."""

    event: str
    proof: str


class Opening(_Model):
    """The order's number, and what shows that the record is that of this number and no other."""

    tenant_order_record_id: str
    opening: str


class Certificate(_Model):
    """The whole file."""

    format: Literal[1] = 1
    record_id: str
    opening: Opening | None
    events: Annotated[list[ProvenEvent], Field(min_length=1, max_length=MAX_EVENTS)]

    def encode(self) -> bytes:
        """The file's bytes."""
        return self.model_dump_json(by_alias=True, indent=2).encode() + b"\n"


@dataclass(frozen=True)
class Proven:
    """An event that is proven: itself, its offset, how many were signed with it, when, and by which key."""

    event: dict[str, Any]
    offset: int
    signed: int
    signed_at: str | None
    key: VerifierKey

    def facts(self) -> dict[str, Any]:
        """By the names that `--json` uses."""
        return {
            "event": self.event,
            "offset": self.offset,
            "signed": self.signed,
            "signedAt": self.signed_at,
            "signedBy": self.key.text,
        }


class Unproven(Exception):
    """Why a file proves nothing; it quotes nothing of it."""


def read_certificate(path: Path) -> Certificate:
    """Raises UserError where it is no such file."""
    try:
        return read_model(Certificate, path, _MAX_BYTES)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise UserError(f"{path} is no file that `audit proof` has written") from None


def prove(certificate: Certificate, keys: Sequence[VerifierKey]) -> list[Proven]:
    """All of its events, and that the number is the record's. Raises Unproven."""
    opening = certificate.opening
    if opening is not None and _opened(opening) != certificate.record_id:
        raise Unproven("the order's number does not belong to the record")
    return [_proven(each, certificate.record_id, keys) for each in certificate.events]


def _opened(opening: Opening) -> str:
    try:
        secret = base64.b64decode(opening.opening, validate=True)
        return opened_id(secret, NaturalKey.of_order(opening.tenant_order_record_id))
    except (binascii.Error, ValueError):
        raise Unproven("the order's opening is not one") from None


def _proven(each: ProvenEvent, record_id: str, keys: Sequence[VerifierKey]) -> Proven:
    try:
        value = each.event.encode()
        proof = TlogProof.parse(each.proof)
        signed = proof.check(value, keys)
        model_facts(value, keys[0].name)
    except (InvalidProof, NoteError, NotAnEvent, ValueError) as error:
        raise Unproven(f"an event is not proven: {error}") from None
    event = orjson.loads(value)
    if event["subject"] != record_id:
        raise Unproven("an event is of another record")
    at = None if signed.signed_at is None else told(signed.signed_at)
    return Proven(event, proof.index, signed.checkpoint.size, at, signed.key)
