"""Somebody else's tree (pymerkle) has the same roots and proofs: no mistake of ours confirms itself."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_consistency, verify_inclusion

from audit.merkle import CompactRange, check_consistency, leaf_hash, root_by_inclusion
from audit.proof_hashes import consistency_proof, inclusion_proof

VALUES = st.lists(st.binary(max_size=40), min_size=1, max_size=70)


def of_pymerkle(values: list[bytes]) -> Any:
    """Its leaves are counted from one."""
    tree = InmemoryTree(algorithm="sha256")
    for number, value in enumerate(values, 1):
        assert tree.append_entry(value) == number
    return tree


def of_ours(values: list[bytes]) -> CompactRange:
    tree = CompactRange()
    tree.extend(values)
    return tree


@given(values=VALUES)
def test_the_root_of_every_size_is_that_of_pymerkle(values: list[bytes]) -> None:
    theirs = of_pymerkle(values)
    for size in range(len(values) + 1):
        assert of_ours(values[:size]).root() == theirs.get_root(size)


@given(values=VALUES, data=st.data())
def test_a_proof_of_inclusion_has_the_hashes_of_pymerkles_and_each_holds_by_the_other(
    values: list[bytes], data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, len(values)))
    index = data.draw(st.integers(0, size - 1))
    leaves, theirs = [leaf_hash(value) for value in values[:size]], of_pymerkle(values)
    proof = theirs.prove_inclusion(index + 1, size)
    assert [leaves[index], *inclusion_proof(leaves, index)] == proof.path
    verify_inclusion(leaves[index], of_ours(values[:size]).root(), proof, index=index + 1, size=size)
    assert root_by_inclusion(leaves[index], index, size, proof.path[1:]) == theirs.get_root(size)


@given(values=VALUES, data=st.data())
def test_what_is_consistent_to_the_one_is_so_to_the_other(values: list[bytes], data: st.DataObject) -> None:
    """The hashes differ: pymerkle's proof has those of RFC 6962 in a form of its own."""
    new = len(values)
    old = data.draw(st.integers(1, new))
    leaves, theirs = [leaf_hash(value) for value in values], of_pymerkle(values)
    proof = theirs.prove_consistency(old, new)
    verify_consistency(of_ours(values[:old]).root(), of_ours(values).root(), proof, old, new)
    check_consistency(old, theirs.get_root(old), new, theirs.get_root(), consistency_proof(leaves, old))
