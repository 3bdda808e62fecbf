"""What every `ByteStore` must do. Subclass it in your tests and give the fixture `store`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from foveal.ports.stores import ByteStore
from foveal.types.assets import AssetId

ONE, OTHER = AssetId("ab" * 32), AssetId("abab" + "cd" * 30)


class ByteStoreContract:
    """The specification of `foveal.ports.ByteStore` as tests."""

    @pytest.fixture
    def store(self) -> ByteStore:
        """The store under test, empty."""
        raise pytest.UsageError("a subclass of ByteStoreContract gives the fixture `store`")

    def test_bytes_come_back_by_asset_and_name(self, store: ByteStore) -> None:
        """Nothing else does."""
        store.put(ONE, "thumb.jpg", b"one")
        store.put(ONE, "page-2.jpg", b"")
        store.put(OTHER, "thumb.jpg", b"other")
        assert store.get(ONE, "thumb.jpg") == b"one"
        assert store.get(ONE, "page-2.jpg") == b""
        assert store.get(OTHER, "thumb.jpg") == b"other"
        assert store.get(OTHER, "page-2.jpg") is None
        assert store.get(AssetId("f" * 64), "thumb.jpg") is None

    def test_bytes_are_replaced(self, store: ByteStore) -> None:
        """The last put wins."""
        store.put(ONE, "thumb.jpg", b"long old bytes")
        store.put(ONE, "thumb.jpg", b"new")
        assert store.get(ONE, "thumb.jpg") == b"new"

    def test_deleting_an_asset_removes_all_of_its_bytes_only(self, store: ByteStore) -> None:
        """Unknown ones are ignored."""
        for asset in (ONE, OTHER):
            store.put(asset, "thumb.jpg", b"x")
            store.put(asset, "large.jpg", b"x")
        store.delete([ONE, AssetId("0" * 64)])
        assert store.get(ONE, "thumb.jpg") is None
        assert store.get(ONE, "large.jpg") is None
        assert store.get(OTHER, "large.jpg") == b"x"
        store.delete([])
        store.put(ONE, "thumb.jpg", b"again")
        assert store.get(ONE, "thumb.jpg") == b"again"

    def test_every_asset_that_something_is_kept_of_is_told(self, store: ByteStore) -> None:
        """Once each, and no more after it was deleted."""
        assert list(store.assets()) == []
        for asset in (ONE, OTHER):
            store.put(asset, "thumb.jpg", b"x")
            store.put(asset, "large.jpg", b"x")
        assert sorted(store.assets()) == sorted([ONE, OTHER])
        store.delete([ONE])
        assert list(store.assets()) == [OTHER]

    def test_a_reader_sees_all_of_a_value_or_none(self, store: ByteStore) -> None:
        """While writers replace it."""
        wanted = {bytes([n]) * 200_000 for n in range(8)}

        def write(value: bytes) -> None:
            store.put(ONE, "thumb.jpg", value)

        with ThreadPoolExecutor(4) as pool:
            writing = [pool.submit(write, value) for value in wanted for _ in range(3)]
            while not all(job.done() for job in writing):
                seen = store.get(ONE, "thumb.jpg")
                assert seen is None or seen in wanted
            for job in writing:
                job.result()
