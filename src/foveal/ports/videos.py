"""Ports of video retrieval; as those of `foveal.ports`, and sync like its stores."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import BinaryIO, Protocol

from foveal.types.videos import VideoDocument, VideoIndex, VideoIngestion, VideoRun, VideoTask


class Downloader(Protocol):
    """Brings files by addresses that callers send, under the rules of `ports.Fetcher`, onto a disk.

    A message names an address by host and path: its query may hold a signature.
    """

    def download(self, url: str, into: BinaryIO) -> int:
        """Write the bytes behind an address to `into`, which is empty, from its beginning; how many there were.
        Memory stays flat, and a connection that breaks off is taken up again where the server allows it.

        Raises:
            UnreadableAssetError: No address of a place that is fetched from, or nothing there in time (stage `fetch`).
            AssetLimitError: It is over the limit on bytes.
        """


class VideoRegistry(Protocol):
    """Video indexes, their documents and their ingestions. One process works on an ingestion at a time: `claim` takes
    its lease, which is free again when that process is gone. What a process did, every other sees at its next call.
    Addresses that are still to be fetched are kept encrypted, and forgotten with the end of the ingestion.
    """

    def put_index(self, index: VideoIndex, *, replaces: VideoIndex | None = None) -> None:
        """Keep a new index, or one in the place of `replaces`, as long as that is still what is kept.

        Raises:
            ConflictError: There is one of that name.
            PreconditionError: `replaces` was changed or removed meanwhile.
        """

    def index(self, name: str) -> VideoIndex | None:
        """One, None when there is none."""

    def indexes(self) -> Sequence[VideoIndex]:
        """Every one, by name."""

    def remove_index(self, name: str) -> None:
        """Forget an index with its documents and ingestions, running ones too; nothing happens when there is none."""

    def put_document(self, index: str, document: VideoDocument) -> None:
        """Keep a document, in the place of one with its id.

        Raises:
            IndexNotFoundError: No such index.
        """

    def remove_documents(self, index: str, document_ids: Collection[str]) -> None:
        """Forget documents; unknown ids are passed over."""

    def documents(self, index: str) -> Sequence[VideoDocument]:
        """Those of an index, by id."""

    def add_ingestion(self, ingestion: VideoIngestion, tasks: Sequence[VideoTask]) -> None:
        """Keep a new ingestion, to be claimed.

        Raises:
            ConflictError: The index has one of that name.
            IndexNotFoundError: No such index.
        """

    def ingestions(self, index: str) -> Sequence[VideoIngestion]:
        """Those of an index, newest first."""

    def claim(self) -> VideoRun | None:
        """Take the right to work on the oldest ingestion that is not over and that no living process works on; None
        when there is none.
        """

    def report(self, run_id: str, ingestion: VideoIngestion) -> None:
        """Keep how far a run is, and say that it lives; to be called every minute or so. With an ingestion that is over
        the right is given back.

        Raises:
            ConflictError: Another process took it over because this one looked dead, or the index was removed.
        """

    def release(self, run_id: str) -> None:
        """Give the right back with the ingestion as it is, for whoever claims it next."""
