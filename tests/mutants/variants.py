"""The deliberately broken variants, read from variants.toml."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Variant:
    """One way of being wrong: a text of a file, what replaces it, and the tests that must fail then."""

    name: str
    file: str
    old: str
    new: str
    caught_by: tuple[str, ...]

    def apply(self, root: Path) -> None:
        """Breaks the tree below `root`. Raises ValueError where the text is not there exactly once."""
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        if (times := text.count(self.old)) != 1:
            raise ValueError(f"{self.name}: its old text stands {times} times in {self.file}, not once")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


def variants() -> list[Variant]:
    rows = tomllib.loads((Path(__file__).parent / "variants.toml").read_text(encoding="utf-8"))["variant"]
    return [Variant(**{**row, "caught_by": tuple(row["caught_by"])}) for row in rows]
