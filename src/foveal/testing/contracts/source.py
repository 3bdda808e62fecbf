"""What every `Source` must do. Subclass it in your tests and give the fixtures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from foveal.errors import UnreadableAssetError
from foveal.ports.sources import Source


class SourceContract:
    """The specification of `foveal.ports.Source` as tests."""

    FILES = (
        ("a.txt", b"first"),
        ("a/b.txt", b"second"),
        ("a/c d.jpg", b"third"),
        ("b/deep/er/x.md", b"fourth"),
        ("ä/日本.txt", b"fifth"),
        ("ไทย.txt", b""),
    )
    """Path and bytes of every file in the source under test, in the order it must list them."""

    @pytest.fixture
    def source(self) -> Source:
        """A source that holds exactly `FILES`."""
        raise pytest.UsageError("a subclass of SourceContract gives the fixture `source`")

    @pytest.fixture
    def same_source(self) -> Source:
        """The same place, opened anew."""
        raise pytest.UsageError("a subclass of SourceContract gives the fixture `same_source`")

    def test_every_file_is_listed_once_in_code_point_order(self, source: Source) -> None:
        """Whole paths, compared character by character."""
        assert [item.path for item in source.items()] == [path for path, _ in self.FILES]

    def test_sizes_are_lengths_in_bytes(self, source: Source) -> None:
        """Of the bytes that `open` gives."""
        assert [item.size_bytes for item in source.items()] == [len(data) for _, data in self.FILES]

    def test_open_gives_the_bytes_and_can_seek(self, source: Source) -> None:
        """From the start, twice."""
        for item, (_, data) in zip(source.items(), self.FILES, strict=True):
            with source.open(item) as file:
                assert file.read() == data
                file.seek(0)
                assert file.read() == data

    def test_listing_twice_gives_the_same(self, source: Source) -> None:
        """Versions included: nothing changed."""
        assert list(source.items()) == list(source.items())

    def test_the_name_outlives_the_object(self, source: Source, same_source: Source) -> None:
        """It is part of every document id."""
        assert source.name == same_source.name
        assert source.name

    def test_times_are_aware(self, source: Source) -> None:
        """Where the source tells them."""
        assert all(item.modified_at is None or item.modified_at.tzinfo for item in source.items())

    def test_an_item_that_is_not_there_cannot_be_fetched(self, source: Source) -> None:
        """The error says at which stage."""
        gone = replace(next(iter(source.items())), path="gone/away.txt")
        with pytest.raises(UnreadableAssetError) as caught:
            source.open(gone)
        assert caught.value.stage == "fetch"
