"""A source that is listed once: descriptions and files are then those of one moment, and of one listing's cost."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import BinaryIO

from foveal.ports.sources import Source
from foveal.types.assets import SourceItem


class ListedSource:
    """Another source with its listing remembered; see `foveal.ports.Source`. For one run, and one thread at first.

    Args:
        source: The other.
        listing: What it is taken to hold; None: what it lists when first asked. With nothing, an index that is brought
            in line with it loses all that came from there.
    """

    def __init__(self, source: Source, listing: tuple[SourceItem, ...] | None = None) -> None:
        self._source = source
        self._given = listing

    @property
    def name(self) -> str:
        """That of the other."""
        return self._source.name

    def items(self) -> Iterator[SourceItem]:
        """As they were when first asked for."""
        return iter(self._listing)

    def open(self, item: SourceItem) -> BinaryIO:
        """The bytes of one item, as they are now."""
        return self._source.open(item)

    @cached_property
    def _listing(self) -> tuple[SourceItem, ...]:
        return tuple(self._source.items()) if self._given is None else self._given
