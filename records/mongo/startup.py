"""What every process does with the database before it works."""

from records.mongo.client import Database
from records.mongo.configuration import enable_on_first_start
from records.mongo.errors import StoreUnavailable
from records.mongo.indexes import missing_indexes
from records.mongo.state import bind


class SettingsDiffer(Exception):
    """Settings that may never change differ from those of the first start."""

    def __init__(self, names: list[str]) -> None:
        another = "; another audit trail is begun by `order-records audit begin`"
        super().__init__(
            f"{', '.join(sorted(names))}: differs from the value this database was first used with; set it "
            f"back, or use another database{another if any('AUDIT' in name for name in names) else ''}"
        )


async def start_up(database: Database, bound: dict[str, str], *, enabled: bool | None) -> None:
    """Holds the bound settings (name to value) against the first start's, and applies what is for it alone.

    Raises SettingsDiffer, StoreUnavailable.
    """
    if differing := await bind(database, bound):
        raise SettingsDiffer(differing)
    if enabled is not None:
        await enable_on_first_start(database, enabled=enabled)


async def require_indexes(database: Database, *, search: bool = False) -> None:
    """Raises StoreUnavailable until `work` has built every index that is needed: nothing may scan."""
    if missing := await missing_indexes(database, search=search):
        raise StoreUnavailable(f"`work` has not built yet: {', '.join(missing)}")
