from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from foveal.sources.spooled import spooled

READS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(-1, 50)),
        st.tuples(st.just("seek"), st.integers(0, 120)),
        st.tuples(st.just("end"), st.integers(-3, 0)),
    ),
    max_size=12,
)


@given(st.lists(st.binary(max_size=40), max_size=8), READS)
def test_it_reads_like_the_file_it_is(pieces: list[bytes], steps: list[tuple[str, int]]) -> None:
    plain = io.BytesIO(b"".join(pieces))
    with spooled(iter(pieces)) as file:
        for step, number in steps:
            if step == "read":
                assert file.read(number) == plain.read(number)
            elif step == "seek":
                assert file.seek(number) == plain.seek(number)
            elif len(plain.getvalue()) + number >= 0:
                assert file.seek(number, 2) == plain.seek(number, 2)
            assert file.tell() == plain.tell()


def test_no_more_is_fetched_than_is_read() -> None:
    fetched = 0

    def pieces():
        nonlocal fetched
        for _ in range(10):
            fetched += 1
            yield bytes(64 * 2**10)

    with spooled(pieces()) as file:
        assert fetched == 0
        file.read(4096)
        assert fetched == 1
        file.seek(0, 2)
        assert fetched == 10
