"""A limit on what a compressed batch may unpack to: aiokafka's decoders have none.

Whoever may write to a topic could otherwise end its readers: 29 kB of zstd unpack to 900 MiB. Why this limit,
and what becomes of such a batch: docs/decisions/bounded-batches.md.
"""

import gzip
import io
import mmap
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import cramjam
from aiokafka import codec
from aiokafka.errors import CorruptRecordException, KafkaError

from runtime.record_headers import require_few_headers

_Decode = Callable[[Any], bytes]

MAX_UNPACKED_BYTES: Final = 96 * 2**20
"""Of one batch. 48 times what the order topic takes; orders are packed to a tenth, at best a thirtieth."""
_PACKAGES: Final = ("aiokafka.record", "aiokafka.record._crecords")
_XERIAL_HEADER_BYTES: Final = 16
_SCRATCH: Final = bytearray(4 * 2**20)
_SCRATCH_LOCK: Final = threading.Lock()  # the codecs let other threads run


class UnpacksTooLarge(KafkaError):  # type: ignore[misc]  # aiokafka ships no types
    """A compressed batch holds more than MAX_UNPACKED_BYTES."""

    def __init__(self) -> None:
        super().__init__(f"a batch unpacks to more than {MAX_UNPACKED_BYTES} bytes")


def bound_codecs() -> None:
    """From now on no client of this process unpacks more: it raises UnpacksTooLarge or TooManyHeaders."""
    for package in _PACKAGES:
        with suppress(ModuleNotFoundError):  # there are builds of aiokafka without the compiled one
            records = import_module(f"{package}.default_records")
            _replace_in(records, {name: _with_few_headers(decode) for name, decode in _DECODERS.items()})
            _replace_in(import_module(f"{package}.legacy_records"), _DECODERS)


def _replace_in(module: ModuleType, decoders: Mapping[str, _Decode]) -> None:
    for name in vars(module).keys() & decoders.keys():
        setattr(module, name, decoders[name])


def _with_few_headers(decode: _Decode) -> _Decode:
    def decode_and_look(payload: Any) -> bytes:
        unpacked = decode(payload)
        require_few_headers(unpacked)
        return unpacked

    return decode_and_look


def _gzip(payload: Any) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(payload)) as packed:
        unpacked = packed.read(MAX_UNPACKED_BYTES + 1)
    if len(unpacked) > MAX_UNPACKED_BYTES:
        raise UnpacksTooLarge
    return unpacked


def _lz4(payload: Any) -> bytes:
    return _unpacked(cramjam.lz4.decompress_into, payload)


def _zstd(payload: Any) -> bytes:
    return _unpacked(cramjam.zstd.decompress_into, payload)


def _unpacked(unpack_into: Callable[[Any, Any], int], payload: Any) -> bytes:
    with _SCRATCH_LOCK, suppress(cramjam.DecompressionError):  # too small for it, or it is broken: see below
        return bytes(memoryview(_SCRATCH)[: unpack_into(payload, _SCRATCH)])
    with mmap.mmap(-1, MAX_UNPACKED_BYTES) as room:  # takes memory only as it is written to
        try:
            return room[: unpack_into(payload, room)]
        except cramjam.DecompressionError as error:
            if "whole buffer" in str(error):
                raise UnpacksTooLarge from None
            raise


def _snappy(payload: bytes) -> bytes:
    """Its blocks say how large they are, so that they can be weighed before one is unpacked."""
    if _snappy_size(payload) > MAX_UNPACKED_BYTES:
        raise UnpacksTooLarge
    return bytes(codec.snappy_decode(payload))


def _snappy_size(payload: bytes) -> int:
    if not codec._detect_xerial_stream(payload):  # noqa: SLF001 - what is weighed must be what is unpacked
        return cramjam.snappy.decompress_raw_len(payload)
    blocks = memoryview(payload)[_XERIAL_HEADER_BYTES:]
    total = 0
    while blocks:
        end = struct.calcsize("!i") + struct.unpack_from("!i", blocks)[0]
        if end <= struct.calcsize("!i"):  # aiokafka's loop would stay at this block for ever
            raise CorruptRecordException("a block of snappy without a size")
        total += cramjam.snappy.decompress_raw_len(blocks[struct.calcsize("!i") : end])
        blocks = blocks[end:]
    return total


_DECODERS: Final[Mapping[str, _Decode]] = {
    "gzip_decode": _gzip,
    "lz4_decode": _lz4,
    "snappy_decode": _snappy,
    "zstd_decode": _zstd,
}
