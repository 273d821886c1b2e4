"""What a batch may unpack to. The batches are built by aiokafka, and read by both of its readers."""

import subprocess
import sys
from types import ModuleType
from typing import Any, Final

import pytest
from aiokafka import codec
from aiokafka.record import default_records, legacy_records
from aiokafka.record._crecords import default_records as compiled_records
from aiokafka.record._crecords import legacy_records as compiled_legacy_records
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from runtime import bounded_codecs, record_headers
from runtime.bounded_codecs import UnpacksTooLarge, bound_codecs
from runtime.record_headers import MAX_HEADERS, TooManyHeaders, require_few_headers
from tests.raw_http import growing_less_than

MIB: Final = 2**20
NUMBERS: Final = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
READERS: Final = {
    "python": (default_records, default_records._DefaultRecordBatchPy),
    "compiled": (compiled_records, compiled_records.DefaultRecordBatch),
}

# Each holds 900 MiB, the last one 60 MiB of empty headers: without limits, more than a GB of memory.
BOMBS: Final = """
import sys
from aiokafka import codec
from aiokafka.record._crecords import default_records
from aiokafka.record.util import encode_varint
from runtime.bounded_codecs import bound_codecs

bound_codecs()
zeros = bytes(30 * 2**20)
packed = {name: getattr(codec, f"{name}_encode")(zeros) for name in ("gzip", "lz4", "snappy", "zstd")}
bombs = [(name, each * 30) for name, each in packed.items() if name != "snappy"]
bombs.append(("snappy", packed["snappy"] + packed["snappy"][16:] * 29))
count = 30 * 2**20
record = bytearray(b"\\0\\0\\0\\1\\1")
encode_varint(count, record.append)
head = bytearray()
encode_varint(len(record) + 2 * count, head.append)
bombs.append(("zstd", codec.zstd_encode(bytes(head + record) + bytes(2 * count))))
del zeros
print("ready", flush=True)
sys.stdin.readline()
for name, bomb in bombs:
    try:
        getattr(default_records, f"{name}_decode")(bomb)
        print(name, "unpacked", flush=True)
    except Exception as error:
        print(name, type(error).__name__, flush=True)
sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def bounded() -> None:
    bound_codecs()


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> int:
    """Over what is unpacked in one go."""
    small = len(bounded_codecs._SCRATCH) + 1000
    monkeypatch.setattr(bounded_codecs, "MAX_UNPACKED_BYTES", small)
    return small


def batch(name: str, values: list[bytes], headers: list[tuple[str, bytes]]) -> bytes:
    builder = DefaultRecordBatchBuilder(2, NUMBERS[name], 0, -1, -1, -1, 10**9)
    for offset, value in enumerate(values):
        assert builder.append(offset, 1, None, value, headers) is not None
    return bytes(builder.build())


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("size", [0, 1000, 5 * MIB])
def test_what_every_codec_packs_is_unpacked_as_it_was(name: str, reader: str, size: int) -> None:
    values = [b"first", b"\x01\x02" * (size // 2), b"last"]
    read = READERS[reader][1](batch(name, values, [("name", b"value")]))
    assert read.validate_crc()
    assert [(each.value, each.headers) for each in read] == [(v, [("name", b"value")]) for v in values]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", NUMBERS)
def test_what_unpacks_to_the_limit_is_read_and_a_byte_more_is_refused(
    name: str, reader: str, limit: int
) -> None:
    module = READERS[reader][0]
    encode, decode = getattr(codec, f"{name}_encode"), getattr(module, f"{name}_decode")
    assert decode(encode(bytes(limit))) == bytes(limit)
    with pytest.raises(UnpacksTooLarge):
        decode(encode(bytes(limit + 1)))
    with pytest.raises(UnpacksTooLarge):
        list(READERS[reader][1](batch(name, [bytes(limit)], [])))


def test_snappy_without_blocks_is_weighed_too(limit: int) -> None:
    packed = codec.snappy_encode(bytes(limit + 1), xerial_compatible=False)
    with pytest.raises(UnpacksTooLarge):
        compiled_records.snappy_decode(packed)
    assert compiled_records.snappy_decode(codec.snappy_encode(b"x", xerial_compatible=False)) == b"x"


@pytest.mark.parametrize("size", [0, -4, -(2**31)])
def test_a_block_of_snappy_without_a_size_ends_the_reading(size: int) -> None:
    packed = codec.snappy_encode(b"x")[:16] + size.to_bytes(4, "big", signed=True) + b"rest"
    with pytest.raises(Exception, match="without a size"):
        compiled_records.snappy_decode(packed)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("size", [10, 5 * MIB])
def test_what_is_damaged_is_not_called_too_large(name: str, size: int) -> None:
    packed = getattr(codec, f"{name}_encode")(bytes(range(10)) * (size // 10))
    with pytest.raises(Exception) as error:  # noqa: PT011 - each codec has its own
        getattr(compiled_records, f"{name}_decode")(packed[:-5])
    assert not isinstance(error.value, UnpacksTooLarge)


@pytest.mark.parametrize("module", [legacy_records, compiled_legacy_records])
def test_the_old_formats_are_bounded_as_well(module: ModuleType, limit: int) -> None:
    for name in ("gzip", "snappy", "lz4"):
        with pytest.raises(UnpacksTooLarge):
            getattr(module, f"{name}_decode")(getattr(codec, f"{name}_encode")(bytes(limit + 1)))


@pytest.mark.parametrize("reader", READERS)
def test_a_record_has_so_many_headers_and_no_more(reader: str) -> None:
    padding = bytes(64 * 1024)
    headers = [("", b"")] * MAX_HEADERS
    read = list(READERS[reader][1](batch("zstd", [padding, b"x"], headers)))
    assert [len(each.headers) for each in read] == [MAX_HEADERS] * 2
    with pytest.raises(TooManyHeaders):
        list(READERS[reader][1](batch("zstd", [padding], [*headers, ("", b"")])))


def test_a_record_that_states_a_false_length_hides_no_headers() -> None:
    count = 300_000
    record = b"\2\0\0\0\1\1" + varint(count) + bytes(2 * count)
    with pytest.raises(TooManyHeaders):
        require_few_headers(record)
    with pytest.raises(TooManyHeaders):
        require_few_headers(b"\xff\xff\x03" + record[1:])


def varint(number: int) -> bytes:
    out = bytearray()
    default_records.encode_varint(number, out.append)
    return bytes(out)


@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([b"\xff" * 11, b"\0" * 9])), max_size=20))
def test_bytes_that_are_no_records_are_left_to_the_reader(pieces: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_headers, "_FEW_BYTES", 0)
        patch.setattr(record_headers, "MAX_HEADERS", 2**64)
        require_few_headers(b"".join(pieces))


def test_900_mib_in_any_codec_take_no_more_memory_than_the_limit_and_are_refused() -> None:
    process: Any = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", BOMBS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout.readline() == "ready\n"
            with growing_less_than(150, process.pid):
                process.stdin.write("\n")
                process.stdin.flush()
                said = [process.stdout.readline().split() for _ in range(5)]
        finally:
            process.kill()
    refused = [[name, "UnpacksTooLarge"] for name in ("gzip", "lz4", "zstd", "snappy")]
    assert said == [*refused, ["zstd", "TooManyHeaders"]]
