"""A checkpoint is three lines that the log's key has signed; its compact range counts only with its root."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoints import (
    RANGE_HEADER,
    Checkpoint,
    SignedCheckpoint,
    WrongRange,
    open_checkpoint,
    open_range,
    range_headers,
    sign_checkpoint,
)
from audit.keys import seed_key
from audit.merkle import CompactRange
from audit.notes import (
    BadSignature,
    MalformedNote,
    NoKnownKey,
    Note,
    NoteError,
    Signature,
    cosign,
    parse_note,
    sign,
)

LOG = "order-records"
SEED, RETIRED_SEED, WITNESS_SEED = bytes(32), bytes([1]) * 32, bytes([2]) * 32
KEY, RETIRED, STRANGER = seed_key(SEED, LOG), seed_key(RETIRED_SEED, LOG), seed_key(SEED, "another-log")
WITNESS = seed_key(WITNESS_SEED, "a-witness").cosigner()
NOW = 1_795_000_000
ROOT_LINE = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


def grown(size: int) -> CompactRange:
    tree = CompactRange()
    tree.extend(b"%d" % number for number in range(size))
    return tree


def signed(size: int = 7, seed: bytes = SEED, origin: str = LOG) -> bytes:
    return sign_checkpoint(Checkpoint.of(origin, grown(size)), seed, NOW)


def test_a_checkpoint_is_three_lines_and_two_signatures_of_one_name() -> None:
    lines = signed(0).decode().split("\n")
    assert lines[:4] == [LOG, "0", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", ""]
    assert [line.split(" ")[:2] for line in lines[4:]] == [["—", LOG], ["—", LOG], [""]]


@given(size=st.integers(0, 200))
def test_what_is_signed_is_opened_with_its_time_and_its_range_goes_on(size: int) -> None:
    tree = grown(size)
    opened = open_checkpoint(signed(size), [RETIRED, KEY])
    assert (opened.checkpoint, opened.key, opened.signed_at) == (Checkpoint.of(LOG, tree), KEY, NOW)
    again = open_range(opened.checkpoint, range_headers(tree))
    again.extend([b"more"])
    tree.extend([b"more"])
    assert again.root() == tree.root()


def test_a_retired_key_is_named_where_it_has_signed() -> None:
    assert open_checkpoint(signed(seed=RETIRED_SEED), [KEY, RETIRED]).key == RETIRED


def test_a_checkpoint_of_another_key_or_of_another_log_by_a_known_key_is_refused() -> None:
    for value, keys in (
        (signed(seed=RETIRED_SEED), [KEY]),
        (signed(), [STRANGER]),
        (signed(origin="another-log"), [KEY]),
    ):
        with pytest.raises(NoKnownKey):
            open_checkpoint(value, keys)


def test_a_name_in_the_signature_line_that_is_not_the_origin_is_refused() -> None:
    text = Checkpoint.of("another-log", grown(3)).text
    with pytest.raises(NoKnownKey):
        open_checkpoint(Note(text, (sign(text, SEED, LOG),)).encode(), [KEY])


def test_a_cosignature_alone_is_no_signature_of_the_log() -> None:
    text = Checkpoint.of(LOG, grown(3)).text
    with pytest.raises(NoKnownKey):
        open_checkpoint(Note(text, (cosign(text, SEED, LOG, NOW),)).encode(), [KEY])


def test_a_log_without_cosignature_has_no_time() -> None:
    text = Checkpoint.of(LOG, grown(3)).text
    assert open_checkpoint(Note(text, (sign(text, SEED, LOG),)).encode(), [KEY]).signed_at is None


def test_a_witness_is_reported_beside_the_log() -> None:
    note = parse_note(signed())
    both = Note(note.text, (*note.signatures, cosign(note.text, WITNESS_SEED, "a-witness", NOW + 5)))
    opened = open_checkpoint(both.encode(), [KEY], [WITNESS])
    assert [(each.key, each.signed_at) for each in opened.cosigned] == [(WITNESS, NOW + 5)]
    assert open_checkpoint(both.encode(), [KEY]).cosigned == ()


def test_any_changed_byte_of_a_checkpoint_is_refused_or_costs_only_its_time() -> None:
    value = signed()
    whole = open_checkpoint(value, [KEY])
    for place in range(len(value)):
        changed = bytearray(value)
        changed[place] ^= 1
        # The second line may become that of another key: then it says nothing, and the first still counts.
        assert opened_or_none(bytes(changed)) in {None, replace(whole, signed_at=None)}


def opened_or_none(value: bytes) -> SignedCheckpoint | None:
    try:
        return open_checkpoint(value, [KEY])
    except NoteError:
        return None


def test_a_size_written_over_a_signed_one_is_a_bad_signature() -> None:
    with pytest.raises(BadSignature):
        open_checkpoint(signed(7).replace(b"\n7\n", b"\n8\n"), [KEY])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"{LOG}\n7\n",
        f"{LOG}\n7\n{ROOT_LINE}",
        f"{LOG}\n7\n{ROOT_LINE}\nextension\n",
        f"{LOG}\n7\n{ROOT_LINE}\n\n",
        f"\n7\n{ROOT_LINE}\n",
        f"{LOG}\n07\n{ROOT_LINE}\n",
        f"{LOG}\n+7\n{ROOT_LINE}\n",
        f"{LOG}\n-7\n{ROOT_LINE}\n",
        f"{LOG}\n\u0667\n{ROOT_LINE}\n",
        f"{LOG}\n{2**63}\n{ROOT_LINE}\n",
        f"{LOG}\n{'9' * 5000}\n{ROOT_LINE}\n",
        f"{LOG}\n7\n{ROOT_LINE[:-1]}\n",
        f"{LOG}\n7\n{ROOT_LINE[:-2]}J=\n",
        f"{LOG}\n7\nAAAA\n",
        f"{LOG}\n7\n\n",
    ],
    ids=range(17),
)
def test_what_is_no_checkpoint_is_refused_even_if_it_is_signed(text: str) -> None:
    with pytest.raises(MalformedNote):
        Checkpoint.parse(text)
    if text.endswith("\n"):
        value = Note(text, (Signature(LOG, KEY.id, sign(text, SEED, LOG).value),)).encode()
        with pytest.raises(MalformedNote):
            open_checkpoint(value, [KEY])


def test_a_missing_value_is_no_checkpoint() -> None:
    with pytest.raises(MalformedNote):
        open_checkpoint(None, [KEY])


def test_a_range_that_is_missing_cut_or_of_another_tree_is_refused() -> None:
    checkpoint, encoded = Checkpoint.of(LOG, grown(7)), grown(7).encode()
    changed = bytearray(encoded)
    changed[40] ^= 1
    for value in (
        None,
        b"",
        encoded[:-1],
        encoded[:-32],
        encoded + bytes(32),
        bytes(changed),
        grown(11).encode(),
    ):
        with pytest.raises(WrongRange):
            open_range(checkpoint, [("another", encoded), (RANGE_HEADER, value)])
    with pytest.raises(WrongRange):
        open_range(checkpoint, [])
    assert open_range(checkpoint, [("another", b""), (RANGE_HEADER, encoded)]).size == 7


def test_a_name_that_cannot_be_a_keys_is_not_signed() -> None:
    with pytest.raises(ValueError, match="key name"):
        sign_checkpoint(Checkpoint.of("a log", grown(1)), SEED, NOW)
