"""What every `Reader` must do. Subclass it in your tests and give the fixtures."""

from __future__ import annotations

import io
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from foveal.errors import AssetLimitError, UnreadableAssetError
from foveal.ports.sources import Reader
from foveal.types.assets import Asset, AssetId, MediaKind
from foveal.types.content import Content, ImageContent, SoundContent, SubtitleContent


def asset_of(data: bytes, media_type: str, path: str = "file") -> Asset:
    """An asset of these bytes, as the pipeline would make it."""
    kind = MediaKind.IMAGE if media_type.startswith("image/") else MediaKind.TEXT
    return Asset(asset_id=AssetId("0" * 64), path=path, media_type=media_type, kind=kind, size_bytes=len(data))


def read_all(reader: Reader, data: bytes, media_type: str, path: str = "file") -> list[Content]:
    """Everything a reader finds in these bytes."""
    return list(reader.read(asset_of(data, media_type, path), io.BytesIO(data)))


class ReaderContract:
    """The specification of `foveal.ports.Reader` as tests."""

    @pytest.fixture
    def reader(self) -> Reader:
        """The reader under test, with limits that `samples` keep."""
        raise pytest.UsageError("a subclass of ReaderContract gives the fixture `reader`")

    @pytest.fixture
    def tight_reader(self) -> Reader:
        """The reader under test, with limits that every one of `samples` exceeds."""
        raise pytest.UsageError("a subclass of ReaderContract gives the fixture `tight_reader`")

    @pytest.fixture
    def samples(self) -> Mapping[str, bytes]:
        """A good file for each of its media types."""
        raise pytest.UsageError("a subclass of ReaderContract gives the fixture `samples`")

    @pytest.fixture
    def hopeless(self) -> Mapping[str, bytes]:
        """For some of its media types, bytes of which nothing can be saved."""
        raise pytest.UsageError("a subclass of ReaderContract gives the fixture `hopeless`")

    def test_there_is_a_sample_of_every_type_it_reads(self, reader: Reader, samples: Mapping[str, bytes]) -> None:
        """Otherwise the other tests prove little."""
        assert set(samples) == reader.media_types

    def test_every_type_it_names_gives_content(self, reader: Reader, samples: Mapping[str, bytes]) -> None:
        """At least one item, without a warning; images are RGB bytes with facts."""
        for media_type, data in samples.items():
            contents = read_all(reader, data, media_type)
            assert contents, media_type
            for content in contents:
                assert content.warnings == (), media_type
                if isinstance(content, ImageContent):
                    assert content.pixels.dtype == np.uint8
                    assert content.pixels.ndim == 3
                    assert content.pixels.shape[2] == 3
                    assert content.facts.width_px >= 1
                elif isinstance(content, SoundContent):
                    assert content.samples.dtype == np.int16
                    assert content.samples.size
                elif isinstance(content, SubtitleContent):
                    assert content.lines
                else:
                    assert content.text.strip() == content.text != ""

    def test_reading_twice_gives_the_same(self, reader: Reader, samples: Mapping[str, bytes]) -> None:
        """In several threads at once too."""
        for media_type, data in samples.items():
            with ThreadPoolExecutor(4) as pool:
                first, *rest = pool.map(lambda _, d=data, m=media_type: read_all(reader, d, m), range(4))
            assert all(_same(first, other) for other in rest), media_type

    def test_what_cannot_be_saved_is_unreadable(self, reader: Reader, hopeless: Mapping[str, bytes]) -> None:
        """With a reason, and never another error."""
        for media_type, data in hopeless.items():
            with pytest.raises(UnreadableAssetError) as caught:
                read_all(reader, data, media_type)
            assert caught.value.message

    def test_no_bytes_at_all_are_unreadable(self, reader: Reader) -> None:
        """Whatever the type is said to be."""
        for media_type in reader.media_types:
            with pytest.raises(UnreadableAssetError):
                read_all(reader, b"", media_type)

    def test_a_limit_is_an_error_of_its_own(self, tight_reader: Reader, samples: Mapping[str, bytes]) -> None:
        """The message says which limit, the remedy what to do."""
        for media_type, data in samples.items():
            with pytest.raises(AssetLimitError) as caught:
                read_all(tight_reader, data, media_type)
            assert caught.value.remedy

    def test_reading_can_stop_half_way(self, reader: Reader, samples: Mapping[str, bytes]) -> None:
        """Nothing is left behind that the next reading would stumble over."""
        for media_type, data in samples.items():
            contents = reader.read(asset_of(data, media_type), io.BytesIO(data))
            next(contents)
            del contents
            assert read_all(reader, data, media_type)


def _same(one: list[Content], other: list[Content]) -> bool:
    return len(one) == len(other) and all(map(_equal, one, other))


def _equal(one: Content, other: Content) -> bool:
    if isinstance(one, ImageContent) and isinstance(other, ImageContent):
        return one.facts == other.facts and one.locator == other.locator and np.array_equal(one.pixels, other.pixels)
    if isinstance(one, SoundContent) and isinstance(other, SoundContent):
        return one.locator == other.locator and np.array_equal(one.samples, other.samples)
    return one == other
