"""What is remembered of a batch is what was put, also beside numbers that were skipped."""

from hypothesis import given
from hypothesis import strategies as st

from audit.batches import ERASING, MAX_BATCH, Batches

Row = tuple[int, bytes, int, int] | None
ROWS = st.lists(
    st.one_of(
        st.none(),
        st.tuples(
            st.integers(1, 3),
            st.binary(min_size=16, max_size=16),
            st.integers(0, 2),
            st.integers(1, MAX_BATCH),
        ),
    ),
    max_size=30,
)
"""How much later a number is, then its digest, type and size; None: it was not seen as a whole."""


@given(ROWS, st.integers(0, 40), st.integers(0, 70))
def test_a_batch_is_known_by_its_number_and_counted_by_its_type(rows: list[Row], after: int, to: int) -> None:
    batches, put, n = Batches(), dict[int, tuple[bytes, int, int]](), 0
    for row in rows:
        n += 1 if row is None else row[0]
        if row is None:
            batches.put_unknown(n)
        else:
            put[n] = row[1:]
            batches.put(n, row[1], ERASING[row[2]], row[3])
    for each in range(100):
        assert batches.digest(each) == (put[each][0] if each in put else None)
    wanted = range(after + 1, to + 1)
    expected = [
        sum(put[each][2] for each in wanted if each in put and put[each][1] == kind) for kind in range(3)
    ]
    assert batches.erased(after, to) == (expected if all(each in put for each in wanted) else None)


def test_numbers_beyond_all_measure_are_not_known_and_cost_nothing() -> None:
    batches = Batches()
    batches.put(1, bytes(16), ERASING[0], 5)
    assert batches.digest(10**400) is None
    assert batches.erased(0, 10**400) is None
    assert batches.erased(10**400, 10**400) == [0, 0, 0]
