"""The deliberately broken variants of `make mutants` still fit the code that they break."""

from pathlib import Path

import pytest

from tests.mutants.variants import ROOT, Variant, variants


@pytest.mark.parametrize("variant", variants(), ids=lambda variant: variant.name)
def test_a_broken_variant_changes_one_place_and_names_tests_that_exist(
    variant: Variant, tmp_path: Path
) -> None:
    path = tmp_path / variant.file
    path.parent.mkdir(parents=True)
    before = (ROOT / variant.file).read_text()
    path.write_text(before)
    variant.apply(tmp_path)
    assert path.read_text() != before
    compile(path.read_text(), variant.file, "exec")
    assert variant.caught_by
    assert all((ROOT / test).is_file() for test in variant.caught_by)


def test_the_six_ways_of_losing_or_doubling_are_all_tried() -> None:
    assert {variant.name for variant in variants()} >= {
        "commit before write",
        "auto-commit",
        "ledger check outside the transaction",
        "drop on quarantine failure",
        "random ids",
        "acknowledge on error",
    }


def test_a_variant_whose_text_is_gone_fails_loudly(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("other = 1\n")
    with pytest.raises(ValueError, match="stands 0 times"):
        Variant("gone", "code.py", "one = 1", "one = 2", ("a test",)).apply(tmp_path)
