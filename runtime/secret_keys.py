"""The three secrets: 32 bytes each, as base64 in a variable or in a file that a variable names."""

import base64
import binascii
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretBytes, model_validator

from runtime.environment import variable
from runtime.errors import UserError

KEY_BYTES = 32

SecretName = Literal["id_key", "quarantine_key", "audit_signing_key"]
SECRET_NAMES: tuple[SecretName, ...] = get_args(SecretName)

Key = Annotated[SecretBytes, Field(min_length=KEY_BYTES, max_length=KEY_BYTES)]


class Secrets(BaseModel):
    """The keys as raw bytes; a process asks with `require` for those that it uses, and only for those."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id_key: Key | None = Field(
        None,
        description="Base64 of 32 bytes: the key of every record id, content digest, pseudonym and cursor. "
        "It never changes and cannot be replaced.",
    )
    quarantine_key: Key | None = Field(
        None, description="Base64 of 32 bytes: encrypts the events that could not be stored."
    )
    audit_signing_key: Key | None = Field(
        None, description="Base64 of 32 bytes: the Ed25519 seed that signs the audit trail's checkpoints."
    )
    id_key_file: Path | None = Field(None, description="A file that holds the id key instead.")
    quarantine_key_file: Path | None = Field(
        None, description="A file that holds the quarantine key instead."
    )
    audit_signing_key_file: Path | None = Field(
        None, description="A file that holds the audit signing key instead."
    )

    @model_validator(mode="before")
    @classmethod
    def _decode(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        decoded = dict(raw)
        for name in SECRET_NAMES:
            value, path = raw.get(name), raw.get(f"{name}_file")
            if value is not None and path is not None:
                both = variable("secrets", name)
                raise ValueError(f"{both} and {both}_FILE are both given: give one of them")
            if path is not None:
                decoded[name] = read_key_file(Path(path), variable("secrets", f"{name}_file"))
            elif isinstance(value, str):
                decoded[name] = decode_key(value, variable("secrets", name))
        return decoded

    def require(self, name: SecretName) -> bytes:
        """The 32 bytes of one secret. Raises UserError, naming the variable, when it is not set."""
        secret = getattr(self, name)
        if not isinstance(secret, SecretBytes):
            raise UserError(f"{variable('secrets', name)} is not set: `order-records keys` makes the secrets")
        return secret.get_secret_value()


def read_key_file(path: Path, source: str) -> bytes:
    """The key in a file; ValueError names `source` (a variable or an option), never the content."""
    try:
        text = path.read_text(encoding="ascii")
    except UnicodeDecodeError:
        raise ValueError(f"{source} should name a file that holds base64 of {KEY_BYTES} bytes") from None
    except OSError as error:
        raise ValueError(f"{source} should name a readable file ({error.strerror})") from None
    return decode_key(text.strip(), source)


def decode_key(text: str, source: str) -> bytes:
    """32 bytes from base64; ValueError names `source`, never the text."""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"{source} should be base64 of {KEY_BYTES} bytes")
    return key
