"""A proof that an event is in the trail, checked offline: index, hashes, checkpoint (C2SP tlog-proof)."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from audit.checkpoints import SignedCheckpoint, open_checkpoint
from audit.keys import VerifierKey, decode_base64
from audit.merkle import HASH_BYTES, MAX_SIZE, InvalidProof, leaf_hash, root_by_inclusion

_FIRST: Final = "c2sp.org/tlog-proof@v1"
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")
_MAX_HASHES: Final = 63


@dataclass(frozen=True)
class TlogProof:
    """The proof of one leaf; `note` is a checkpoint as it was signed."""

    index: int
    hashes: tuple[bytes, ...]
    note: bytes

    def encode(self) -> str:
        """The text of the format; what has no extra data has no such line."""
        hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in self.hashes)
        return f"{_FIRST}\nindex {self.index}\n{hashes}\n{self.note.decode()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The proof of a text. Raises InvalidProof."""
        head, blank, note = text.partition("\n\n")
        lines = head.split("\n")
        if not blank or lines[0] != _FIRST:
            raise InvalidProof("it is no C2SP tlog-proof")
        if len(lines) > 1 and lines[1].startswith("extra "):
            del lines[1]
        index = _INDEX.fullmatch(lines[1]) if len(lines) > 1 else None
        if index is None or int(index[1]) > MAX_SIZE or len(lines) > 2 + _MAX_HASHES:
            raise InvalidProof("a proof has an index, and at most 63 hashes")
        hashes = [decode_base64(line) for line in lines[2:]]
        kept = tuple(each for each in hashes if each is not None and len(each) == HASH_BYTES)
        if len(kept) != len(hashes):
            raise InvalidProof("a proof's hashes have 32 bytes each")
        return cls(int(index[1]), kept, note.encode())

    def check(self, value: bytes, keys: Sequence[VerifierKey]) -> SignedCheckpoint:
        """What was signed, this value included. Raises InvalidProof, NoteError."""
        signed = open_checkpoint(self.note, keys)
        checkpoint = signed.checkpoint
        root = root_by_inclusion(leaf_hash(value), self.index, checkpoint.size, self.hashes)
        if root != checkpoint.root:
            raise InvalidProof("the event is not among those that were signed")
        return signed
