"""Where content comes from: sources, what is kept of them, and readers. See `foveal.ports` for the rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO, Protocol

from foveal.types.assets import Asset, Sniffed, SourceItem
from foveal.types.content import (
    Content,
)
from foveal.types.live_settings import LiveSettings
from foveal.types.sources import Credential, SavedSource, Schedule, SourceRun, SourceSettings, SourceState


class Source(Protocol):
    """Where files come from."""

    @property
    def name(self) -> str:
        """Stable identity, part of every document id: an absolute path, a container's URL."""

    def items(self) -> Iterator[SourceItem]:
        """Every file, sorted by path (code-point order), each path once.

        Raises:
            InvalidRequestError: The source itself cannot be listed. One unlistable folder is skipped.
        """

    def open(self, item: SourceItem) -> BinaryIO:
        """The bytes of one item, seekable; the caller closes.

        Raises:
            UnreadableAssetError: It vanished or may not be read (stage `fetch`).
        """


class Sniffer(Protocol):
    """Tells what a file is from its bytes; the name only tells text, markdown and web pages apart."""

    def __call__(self, path: str, head: bytes, size_bytes: int, tail: bytes = b"") -> Sniffed:
        """Judge a file by its path, its first 4,096 bytes, its length and, of an archive, its end; never raises.

        Args:
            path: Where it is.
            head: Its beginning.
            size_bytes: Its length.
            tail: Up to 64 KiB of its end where the head is that of a ZIP archive: its table of contents.
        """


class Fetcher(Protocol):
    """Brings images by addresses that callers send.

    A message names an address by host and path: its query may hold a signature.
    """

    def fetch_url(self, url: str) -> bytes:
        """The bytes behind an address, which begin like an image.

        Raises:
            ImageError: No address of a place that is fetched from, nothing there in time, or no image.
            TooLargeError: It is over the limit on bytes.
        """


class Reader(Protocol):
    """Bytes to content, under limits."""

    @property
    def media_types(self) -> frozenset[str]:
        """Sniffed media types it reads."""

    def read(self, asset: Asset, file: BinaryIO) -> Iterator[Content]:
        """Yield the asset's content in order, lazily, with flat memory; at least one item or an error.

        What can be saved of a damaged file is yielded with a warning.

        Raises:
            UnreadableAssetError: Nothing can be saved of it.
            AssetLimitError: Decoding would pass a limit; raised before memory is taken.
        """


class SourceRegistry(Protocol):
    """Saved sources, what opens them, and who runs them. What opens them is kept encrypted, and given out only by
    `credential`. One process runs a source at a time: `begin` and `claim` take its lease, which is free again when
    that process is gone. Every process that shares the store sees what another did at its next call.
    """

    def add(
        self, settings: SourceSettings, credential: Credential | None, *, next_run_at: datetime | None = None
    ) -> SavedSource:
        """Keep a new source.

        Raises:
            ConflictError: There is one of that name, or one of the same place for the same index.
        """

    def all(self) -> list[SavedSource]:
        """Every one, by name."""

    def get(self, name: str) -> SavedSource:
        """One.

        Raises:
            NotFoundError: There is none of that name.
        """

    def credential(self, name: str) -> Credential | None:
        """What opens it, None where nothing does.

        Raises:
            NotFoundError: There is none of that name.
            StoreCorruptError: The key that what is kept was encrypted with is not there any more.
        """

    def set_credential(self, name: str, credential: Credential | None) -> None:
        """Keep another credential in the place of the present one.

        Raises:
            NotFoundError: There is none of that name.
        """

    def set_live(self, name: str, live: LiveSettings) -> None:
        """Keep other settings of a live index.

        Raises:
            NotFoundError: There is none of that name.
        """

    def set_schedule(self, name: str, schedule: Schedule, *, next_run_at: datetime | None) -> None:
        """Keep another schedule, and when the source is due next.

        Raises:
            NotFoundError: There is none of that name.
        """

    def remove(self, name: str) -> None:
        """Forget a source with its credential.

        Raises:
            NotFoundError: There is none of that name.
        """

    def begin(self, name: str) -> SourceRun:
        """Take the right to run one source now. Until `end` it stays due, so that a run whose process dies is made up.

        Raises:
            NotFoundError: There is none of that name.
            ConflictError: It is running, in whatever process.
        """

    def claim(self) -> SourceRun | None:
        """Likewise the source that is longest due and not running; None when there is none."""

    def renew(self, run_id: str) -> None:
        """Say that a run lives; to be called every minute or so.

        Raises:
            ConflictError: Another process took it over because this one looked dead, or the source was removed.
        """

    def end(self, run_id: str, state: SourceState, *, message: str = "", next_run_at: datetime | None = None) -> None:
        """Record how a run went and give the right back; of a run that was taken over nothing is recorded.

        When the source was said to be due after the run began, by `set_schedule`, that stays.
        """
