"""Signed notes as the format's first implementation writes them, and nothing else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.keys import COSIGNATURE, ED25519, MalformedKey, VerifierKey, seed_key
from audit.notes import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    BadSignature,
    MalformedNote,
    NoKnownKey,
    Note,
    NoteError,
    Signature,
    cosign,
    parse_note,
    sign,
    verify_note,
)

# The published example of golang.org/x/mod/sumdb/note.
PUBLISHED = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUg"
    "YN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()
PUBLISHED_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PUBLISHED_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]  # published as well
# Verifier keys in use by others: a log's, and a witness'.
LOG = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
WITNESS = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"

SEED, OTHER_SEED, NAME = bytes(32), bytes([1]) * 32, "a-log"
KEY, OTHER_KEY = seed_key(SEED, NAME), seed_key(OTHER_SEED, NAME)
TEXT = "a-log\n7\nroot\n"
SIGNED = Note(TEXT, (sign(TEXT, SEED, NAME), cosign(TEXT, SEED, NAME, 1_679_315_147)))
LINES = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=0x20), max_size=20)


def test_the_published_note_is_verified_by_its_published_key_and_signed_again_to_the_byte() -> None:
    key, note = VerifierKey.parse(PUBLISHED_KEY), parse_note(PUBLISHED)
    assert [each.key for each in verify_note(note, [key])] == [key]
    again = Note(note.text, (sign(note.text, PUBLISHED_SEED, "PeterNeumann"),))
    assert again.encode() == PUBLISHED


@pytest.mark.parametrize(("text", "kind"), [(LOG, ED25519), (WITNESS, COSIGNATURE)])
def test_verifier_keys_in_use_are_read_and_written_to_the_letter(text: str, kind: bytes) -> None:
    key = VerifierKey.parse(text)
    assert key.type == kind
    assert key.text == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a-log",
        LOG.replace("033de0ae", "033de0af"),
        LOG.replace("033de0ae", "033DE0AE"),
        LOG.replace("sum.golang.org", "sum.golang.com"),
        LOG.replace("sum.golang.org", "sum golang.org"),
        LOG.replace("sum.golang.org", ""),
        LOG[:-1],
        LOG + "=",
        LOG + "\n",
        VerifierKey(NAME, b"\x02", bytes(32)).text,
        VerifierKey(NAME, ED25519, bytes(31)).text,
        VerifierKey(NAME, ED25519, bytes(33)).text,
    ],
)
def test_what_is_no_verifier_key_is_refused_and_never_quoted(text: str) -> None:
    with pytest.raises(MalformedKey) as refused:
        VerifierKey.parse(text)
    assert not text or text not in str(refused.value)


def test_both_signatures_of_one_key_are_verified_and_only_one_has_a_time() -> None:
    held = verify_note(parse_note(SIGNED.encode()), [KEY, KEY.cosigner()])
    assert [(each.key, each.signed_at) for each in held] == [(KEY, None), (KEY.cosigner(), 1_679_315_147)]


def test_the_two_types_of_one_key_have_other_ids_and_neither_counts_for_the_other() -> None:
    assert KEY.id != KEY.cosigner().id
    plain, timed = SIGNED.signatures
    as_timed = Signature(NAME, KEY.cosigner().id, bytes(8) + plain.value)
    as_plain = Signature(NAME, KEY.id, timed.value[8:])
    for forged in (as_timed, as_plain):
        with pytest.raises(BadSignature):
            verify_note(Note(TEXT, (forged,)), [KEY, KEY.cosigner()])


def test_a_text_that_reads_as_a_cosignature_is_never_signed() -> None:
    timed = SIGNED.signatures[1]
    pretended = f"cosignature/v1\ntime 1679315147\n{TEXT}"
    with pytest.raises(ValueError, match="cosignature"):
        sign(pretended, SEED, NAME)
    # Such a note would be taken for a signed one: the bytes that are signed are the same.
    verify_note(Note(pretended, (Signature(NAME, KEY.id, timed.value[8:]),)), [KEY])


@pytest.mark.parametrize("time", ["1679315148", "0"])
def test_a_time_that_was_changed_is_a_bad_signature(time: str) -> None:
    timed = SIGNED.signatures[1]
    changed = Signature(NAME, timed.key_id, int(time).to_bytes(8, "big") + timed.value[8:])
    with pytest.raises(BadSignature):
        verify_note(Note(TEXT, (changed,)), [KEY.cosigner()])


@pytest.mark.parametrize("value", [b"", bytes(71), bytes(73), b"\x80" + bytes(71)])
def test_a_cosignature_of_another_length_or_without_a_possible_time_is_bad(value: bytes) -> None:
    with pytest.raises(BadSignature):
        verify_note(Note(TEXT, (Signature(NAME, KEY.cosigner().id, value),)), [KEY.cosigner()])


def test_signatures_of_unknown_keys_are_passed_over_even_if_they_share_a_name_or_an_id() -> None:
    same_name = Signature(NAME, OTHER_KEY.id, bytes(64))
    same_id = Signature("another", KEY.id, bytes(64))
    unknown = Signature("another", b"1234", b"?")
    held = verify_note(Note(TEXT, (same_name, same_id, unknown, *SIGNED.signatures)), [KEY])
    assert [each.key for each in held] == [KEY]
    with pytest.raises(NoKnownKey):
        verify_note(Note(TEXT, (same_name, same_id, unknown)), [KEY])


def test_one_signature_of_a_known_key_that_does_not_hold_spoils_the_note() -> None:
    bad = Signature(NAME, OTHER_KEY.id, bytes(64))
    with pytest.raises(BadSignature):
        verify_note(Note(TEXT, (*SIGNED.signatures, bad)), [KEY, OTHER_KEY])


def test_a_key_that_is_no_point_of_the_curve_verifies_nothing() -> None:
    key = VerifierKey(NAME, ED25519, b"\xff" * 32)
    with pytest.raises(BadSignature):
        verify_note(Note(TEXT, (Signature(NAME, key.id, bytes(64)),)), [key])


@given(lines=st.lists(LINES, min_size=1, max_size=5))
def test_a_note_is_read_as_it_was_written_empty_lines_included(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    signature = Signature(NAME, b"1234", b"signature")
    assert parse_note(Note(text, (signature, signature)).encode()) == Note(text, (signature, signature))


@given(junk=st.binary(max_size=200))
def test_junk_is_no_note(junk: bytes) -> None:
    with pytest.raises(NoteError):
        verify_note(parse_note(junk), [KEY])


LINE = SIGNED.signatures[0].line()


@pytest.mark.parametrize(
    "note",
    [
        b"",
        TEXT.encode(),
        f"{TEXT}{LINE}".encode(),
        f"{TEXT}\n".encode(),
        f"{TEXT}\n{LINE}"[:-1].encode(),
        f"{TEXT}\n{LINE}\n".encode(),
        f"{TEXT}\n{LINE}more\n".encode(),
        f"{TEXT}\n{LINE.replace('—', '-')}".encode(),
        f"{TEXT}\n{LINE.replace('— ', '—')}".encode(),
        f"{TEXT}\n{LINE.replace(NAME, '')}".encode(),
        f"{TEXT}\n{LINE.replace(NAME, 'a+log')}".encode(),
        (TEXT + "\n" + LINE.replace(NAME, "a\u00a0log")).encode(),
        f"{TEXT}\n{LINE.replace('=', '')}".encode(),
        f"{TEXT}\n{LINE.replace('=', '!')}".encode(),
        f"{TEXT}\n— {NAME} MTIzNA==\n".encode(),
        f"{TEXT}\n— {NAME} MTIzNDV=\n".encode(),
        f"{TEXT}\r\n{LINE}".encode(),
        f"\t{TEXT}\n{LINE}".encode(),
        f"{TEXT}\0\n\n{LINE}".encode(),
        f"{TEXT}\xff\n\n{LINE}".encode("latin-1", "ignore"),
        f"{TEXT}\n{LINE * (MAX_SIGNATURES + 1)}".encode(),
        f"{'x' * MAX_NOTE_BYTES}\n\n{LINE}".encode(),
    ],
    ids=range(22),
)
def test_a_malformed_note_is_refused(note: bytes) -> None:
    with pytest.raises(MalformedNote):
        parse_note(note)


def test_a_note_may_have_sixteen_signatures_and_more() -> None:
    note = Note(TEXT, SIGNED.signatures[:1] * MAX_SIGNATURES)
    assert len(verify_note(parse_note(note.encode()), [KEY])) == 1


def test_a_note_may_have_sixteen_signatures_of_five_kilobytes_each() -> None:
    large = tuple(Signature("w" * 100, bytes([each]) * 4, bytes(5_000)) for each in range(16))
    note = Note(TEXT, (*large, *SIGNED.signatures))
    assert [each.key for each in verify_note(parse_note(note.encode()), [KEY])] == [KEY]


@pytest.mark.parametrize("text", ["", "no newline", "a\tb\n", "a\0\n"])
def test_a_text_that_no_note_may_have_is_not_signed(text: str) -> None:
    with pytest.raises(ValueError, match="note's text"):
        sign(text, SEED, NAME)
    with pytest.raises(ValueError, match="note's text"):
        cosign(text, SEED, NAME, 1)


@pytest.mark.parametrize("time", [-1, 2**63])
def test_a_time_that_cannot_be_is_not_signed(time: int) -> None:
    with pytest.raises(ValueError, match="time"):
        cosign(TEXT, SEED, NAME, time)
