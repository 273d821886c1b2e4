"""The tree is that of RFC 6962: by published roots, its recursive definition, and each change of a proof."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.merkle import (
    CompactRange,
    InvalidProof,
    check_consistency,
    leaf_hash,
    node_hash,
    root_by_inclusion,
)
from audit.proof_hashes import (
    SpanRoots,
    consistency_proof,
    consistency_spans,
    inclusion_proof,
    inclusion_spans,
)

# The leaves and roots with which implementations of Certificate Transparency test themselves.
PUBLISHED_LEAVES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
PUBLISHED_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PUBLISHED_HASHES = [leaf_hash(each) for each in PUBLISHED_LEAVES]
SIZES = st.integers(0, 140)


def hashes(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(size)]


def tree(leaves: Sequence[bytes]) -> CompactRange:
    made = CompactRange()
    made.append_all(leaves)
    return made


def split(size: int) -> int:
    power = 1
    while 2 * power < size:
        power *= 2
    return power


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, as it stands there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    middle = split(len(leaves))
    return node_hash(naive_root(leaves[:middle]), naive_root(leaves[middle:]))


def naive_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of section 2.1.1."""
    if len(leaves) == 1:
        return []
    middle = split(len(leaves))
    if index < middle:
        return [*naive_path(index, leaves[:middle]), naive_root(leaves[middle:])]
    return [*naive_path(index - middle, leaves[middle:]), naive_root(leaves[:middle])]


def naive_subproof(old: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.2."""
    if old == len(leaves):
        return [] if whole else [naive_root(leaves)]
    middle = split(len(leaves))
    if old <= middle:
        return [*naive_subproof(old, leaves[:middle], whole=whole), naive_root(leaves[middle:])]
    return [*naive_subproof(old - middle, leaves[middle:], whole=False), naive_root(leaves[:middle])]


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_the_published_ones(size: int) -> None:
    grown = CompactRange()
    grown.extend(PUBLISHED_LEAVES[:size])
    assert grown.root().hex() == PUBLISHED_ROOTS[size]
    assert grown.size == size


def test_the_proofs_are_the_published_ones() -> None:
    assert [each.hex() for each in inclusion_proof(PUBLISHED_HASHES, 5)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [each.hex() for each in consistency_proof(PUBLISHED_HASHES, 6)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@given(size=SIZES)
def test_the_root_is_that_of_the_recursive_definition(size: int) -> None:
    assert tree(hashes(size)).root() == naive_root(hashes(size))


@given(first=SIZES, more=SIZES)
def test_a_range_that_was_put_down_and_taken_up_again_goes_on_as_if_nothing_had_been(
    first: int, more: int
) -> None:
    leaves = hashes(first + more)
    before = tree(leaves[:first])
    after = CompactRange.decode(first, before.encode())
    copied = before.copy()
    before.append_all(leaves[first:])
    after.append_all(leaves[first:])
    assert after.root() == before.root() == naive_root(leaves)
    assert copied.root() == naive_root(leaves[:first])


@pytest.mark.parametrize(
    ("size", "length"), [(0, 32), (1, 0), (5, 32), (5, 96), (5, 63), (-1, 32), (2**63, 32)]
)
def test_a_range_with_too_few_or_too_many_hashes_for_its_size_is_refused(size: int, length: int) -> None:
    with pytest.raises(ValueError, match="compact range"):
        CompactRange.decode(size, bytes(length))


def test_a_value_that_is_missing_counts_as_an_empty_one() -> None:
    with_none, with_empty = CompactRange(), CompactRange()
    with_none.extend([None, b"a"])
    with_empty.extend([b"", b"a"])
    assert with_none.root() == with_empty.root()


def test_values_that_fail_half_way_leave_the_tree_of_those_before() -> None:
    grown = CompactRange()
    with pytest.raises(TypeError):
        grown.extend([b"a", b"b", b"c", "no bytes"])  # type: ignore[list-item]
    assert (grown.size, grown.root()) == (3, naive_root([leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")]))


@given(data=st.data(), size=st.integers(1, 140))
def test_an_inclusion_proof_is_the_definitions_and_leads_to_the_root(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = hashes(size)
    proof = inclusion_proof(leaves, index)
    assert proof == naive_path(index, leaves)
    assert root_by_inclusion(leaves[index], index, size, proof) == naive_root(leaves)


@given(data=st.data(), size=st.integers(1, 140))
def test_a_changed_inclusion_proof_leads_nowhere(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = hashes(size)
    root, proof = naive_root(leaves), inclusion_proof(leaves, index)
    other = leaf_hash(b"another")
    changed = [[*proof[:at], other, *proof[at + 1 :]] for at in range(len(proof))]
    for wrong in (*changed, proof[:-1], [*proof, other], proof[::-1]):
        if wrong != proof:
            assert not leads_to(root, leaves[index], index, size, wrong)
    assert not leads_to(root, other, index, size, proof)
    for elsewhere in {(index + 1) % size, index ^ 1, size, -1} - {index}:
        assert not leads_to(root, leaves[index], elsewhere, size, proof)


def leads_to(root: bytes, leaf: bytes, index: int, size: int, proof: list[bytes]) -> bool:
    try:
        return root_by_inclusion(leaf, index, size, proof) == root
    except InvalidProof:
        return False


@given(data=st.data(), new=SIZES)
def test_a_consistency_proof_is_the_definitions_and_holds(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(0, new))
    leaves = hashes(new)
    proof = consistency_proof(leaves, old)
    assert proof == ([] if not old else naive_subproof(old, leaves, whole=True))
    check_consistency(old, naive_root(leaves[:old]), new, naive_root(leaves), proof)


@given(data=st.data(), new=st.integers(1, 140))
def test_a_history_that_was_changed_has_no_consistency_proof(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(1, new))
    leaves = hashes(new)
    forged = list(leaves)
    forged[data.draw(st.integers(0, old - 1))] = leaf_hash(b"forged")
    roots = naive_root(leaves[:old]), naive_root(forged)
    for proof in (consistency_proof(leaves, old), consistency_proof(forged, old)):
        with pytest.raises(InvalidProof):
            check_consistency(old, roots[0], new, roots[1], proof)


@given(data=st.data(), new=st.integers(2, 140))
def test_a_changed_consistency_proof_does_not_hold(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(1, new - 1))
    leaves = hashes(new)
    roots, proof = (naive_root(leaves[:old]), naive_root(leaves)), consistency_proof(leaves, old)
    changed = [[*proof[:at], leaf_hash(b"another"), *proof[at + 1 :]] for at in range(len(proof))]
    for wrong in (*changed, proof[:-1], [*proof, bytes(32)], [], [each[:31] for each in proof]):
        with pytest.raises(InvalidProof):
            check_consistency(old, roots[0], new, roots[1], wrong)


@pytest.mark.parametrize(("old", "new"), [(3, 2), (-1, 2), (0, 2**63)])
def test_sizes_out_of_sequence_are_refused(old: int, new: int) -> None:
    with pytest.raises(InvalidProof):
        check_consistency(old, bytes(32), new, bytes(32), [])
    with pytest.raises(ValueError, match="sizes"):
        consistency_spans(old, new)


def test_a_wrong_root_of_no_leaves_is_refused() -> None:
    with pytest.raises(InvalidProof):
        check_consistency(0, bytes(32), 3, naive_root(hashes(3)), [])


@given(data=st.data(), size=st.integers(1, 140))
def test_a_proof_is_made_from_what_retention_has_left(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    begin = data.draw(st.integers(0, index))
    leaves = hashes(size)
    gathered = SpanRoots(inclusion_spans(index, size), tree(leaves[:begin]))
    gathered.extend(leaves[begin:])
    assert gathered.roots() == naive_path(index, leaves)


@given(data=st.data(), new=SIZES)
def test_a_consistency_proof_is_made_from_what_retention_has_left(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(0, new))
    begin = data.draw(st.integers(0, old))
    leaves = hashes(new)
    gathered = SpanRoots(consistency_spans(old, new), tree(leaves[:begin]))
    gathered.extend(leaves[begin:])
    assert gathered.roots() == consistency_proof(leaves, old)


def test_a_proof_for_a_leaf_that_is_gone_is_refused_and_so_is_one_whose_leaves_are_not_all_there() -> None:
    leaves = hashes(11)
    with pytest.raises(ValueError, match="before the trail's beginning"):
        SpanRoots(inclusion_spans(2, 11), tree(leaves[:8]))
    gathered = SpanRoots(inclusion_spans(9, 11), tree(leaves[:8]))
    gathered.extend(leaves[8:10])
    with pytest.raises(ValueError, match="not all there"):
        gathered.roots()


def test_a_proof_in_the_largest_tree_is_made_without_recursion_and_has_no_more_hashes_than_bits() -> None:
    assert len(inclusion_spans(2**62, 2**63 - 1)) <= 63
    assert len(consistency_spans(2**62 + 1, 2**63 - 1)) <= 64
