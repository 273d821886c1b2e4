"""Ids of records and lines: the same for every delivery, and nothing to anybody without the key."""

import hmac
from uuid import RFC_4122, UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from records.identity import NaturalKey, line_id, opening, record_id, uuid8
from records.keys import RecordKeys

KEY = bytes(range(32))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
KEYS = st.binary(min_size=32, max_size=32)
NATURAL_KEYS = st.builds(NaturalKey, TEXT, st.lists(TEXT, min_size=1, max_size=3).map(tuple))


@given(KEYS, NATURAL_KEYS)
def test_the_same_order_has_the_same_id_at_every_delivery(key: bytes, natural: NaturalKey) -> None:
    again = NaturalKey(natural.kind, tuple(natural.parts))

    assert record_id(key, natural) == record_id(key, again)


@given(NATURAL_KEYS, NATURAL_KEYS)
def test_different_orders_have_different_ids(one: NaturalKey, other: NaturalKey) -> None:
    assume(one != other)

    assert record_id(KEY, one) != record_id(KEY, other)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.data())
def test_keys_whose_parts_read_alike_in_a_row_have_different_ids(text: str, data: st.DataObject) -> None:
    cuts = st.integers(0, len(text))
    here, there = data.draw(cuts), data.draw(cuts)
    assume(here != there)

    ids = {record_id(KEY, NaturalKey("event", (text[:cut], text[cut:]))) for cut in (here, there)}

    assert len(ids) == 2


@pytest.mark.parametrize(
    "other",
    [
        NaturalKey("event", ("ab", "c")),
        NaturalKey("event", ("abc",)),
        NaturalKey("event", ("abc", "")),
        NaturalKey("event", ("", "abc")),
        NaturalKey("eventa", ("bc",)),
        NaturalKey("tenantOrderRecordId", ("a", "bc")),
        NaturalKey("", ("event", "a", "bc")),
    ],
)
def test_kind_and_borders_of_the_parts_belong_to_the_identity(other: NaturalKey) -> None:
    assert record_id(KEY, other) != record_id(KEY, NaturalKey("event", ("a", "bc")))


def test_an_order_number_and_an_event_id_of_the_same_text_are_two_orders() -> None:
    assert record_id(KEY, NaturalKey.of_order("e-1")) != record_id(KEY, NaturalKey.of_event("", "e-1"))


@given(st.binary(min_size=32, max_size=64))
def test_an_id_is_a_uuid_of_version_8_with_the_digests_other_bits_untouched(digest: bytes) -> None:
    uuid = UUID(uuid8(digest))

    free = ((1 << 128) - 1) ^ (0xF << 76) ^ (0x3 << 62)
    assert (uuid.version, uuid.variant) == (8, RFC_4122)
    assert uuid.int & free == int.from_bytes(digest[:16], "big") & free
    assert uuid8(digest) == str(uuid)


@given(KEYS, KEYS, NATURAL_KEYS)
def test_whoever_guesses_the_order_number_without_the_key_gets_another_id(
    key: bytes, outsiders: bytes, natural: NaturalKey
) -> None:
    assume(key != outsiders)

    assert record_id(key, natural) != record_id(outsiders, natural)
    assert opening(key, natural) != opening(outsiders, natural)


def test_whoever_is_given_the_opening_of_an_order_can_check_its_id_by_hand() -> None:
    # Length in four bytes, then UTF-8: first the kind, then the number.
    encoded = b"\x00\x00\x00\x13tenantOrderRecordId" + b"\x00\x00\x00\x0bORD-M\xc3\xbcller"
    given_opening = opening(KEY, NaturalKey.of_order("ORD-Müller"))

    digest = hmac.new(given_opening, encoded, "sha256").hexdigest()

    by_hand = (
        f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-{_variant(digest[16])}{digest[17:20]}-{digest[20:32]}"
    )
    assert by_hand == record_id(KEY, NaturalKey.of_order("ORD-Müller"))


def _variant(digit: str) -> str:
    """The digit with its upper two bits set to 10 (RFC 9562)."""
    return "89ab"[int(digit, 16) % 4]


# Computed with openssl, not with this code. Frozen for ever: ids outlive the data in the audit trail and
# in the senders' books, so a change here would store every order of a replay a second time.
@pytest.mark.parametrize(
    ("natural", "opened", "identifier", "lines"),
    [
        (
            NaturalKey.of_order("ORD-Müller"),
            "37b4b357caded080d7c6317b4efcd57b21bf0f6643988f3397cc27a34d5cfd41",
            "143dba0b-7977-8998-aef9-1cafafed0f32",
            ["2d777e65-ef0b-8fb7-8f5b-fcf13cab0fce", "8e024381-1882-811f-84c1-54546804fae7"],
        ),
        (
            NaturalKey.of_event("/shop/1", "e-1"),
            "1d406fc42a788eb10860a0f15aaecc84616dcebbf01aea00d56347ff1a87ca7e",
            "30a6aa8e-c8f8-8392-b70c-123cadbf4e47",
            ["350a521c-e04c-84ea-a30b-63238b60d767", "60664afe-b1e8-86d8-9d3e-6968da12c64e"],
        ),
    ],
)
def test_the_format_of_ids_never_changes(
    natural: NaturalKey, opened: str, identifier: str, lines: list[str]
) -> None:
    assert opening(KEY, natural).hex() == opened
    assert record_id(KEY, natural) == identifier
    assert [line_id(identifier, position) for position in range(2)] == lines


@given(NATURAL_KEYS, NATURAL_KEYS)
def test_lines_have_ids_of_their_own_within_a_record_and_between_records(
    one: NaturalKey, other: NaturalKey
) -> None:
    assume(one != other)
    records = [record_id(KEY, one), record_id(KEY, other)]

    lines = [line_id(record, position) for record in records for position in range(500)]

    assert len({*lines, *records}) == 1002
    assert UUID(lines[0]).version == 8


@given(KEYS)
def test_one_secret_gives_a_key_for_each_purpose_and_a_name_that_does_not_tell_it(secret: bytes) -> None:
    keys = RecordKeys.derive(secret)

    assert len({secret, keys.identity, keys.content}) == 3
    assert keys == RecordKeys.derive(secret)
    assert keys.fingerprint not in secret.hex() + keys.identity.hex() + keys.content.hex()
