"""The port of uploads; see `foveal.ports`, of which this is a part."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import BinaryIO, Protocol

from foveal.types.assets import AssetId
from foveal.types.uploads import FileId, Received, Unfinished, UploadDraft, UploadedFile, UploadId


class UploadStore(Protocol):
    """Files that people send: on their way here, then kept by content.

    Bytes are kept once for all files that have them, and go when the last of these goes. Everything is durable on
    return and survives the process; every process that shares the store sees what another did at its next call.
    """

    # --- on their way

    def begin(self, draft: UploadDraft) -> Unfinished:
        """Make room for a file that is about to be sent."""

    def unfinished(self, upload_id: UploadId) -> Unfinished:
        """How far it is.

        Raises:
            NotFoundError: It was never begun, is here whole, or was given up.
        """

    def append(self, upload_id: UploadId, offset: int, data: bytes) -> int:
        """Keep its next bytes; how many there are now. Of two writers at one offset the second is refused.

        Raises:
            NotFoundError: As `unfinished`.
            ConflictError: What is kept does not end at `offset`.
        """

    def read(self, upload_id: UploadId) -> BinaryIO:
        """What has arrived, seekable; the caller closes.

        Raises:
            NotFoundError: As `unfinished`.
        """

    def abandon(self, upload_id: UploadId) -> None:
        """Give it up; silently does nothing when there is none."""

    def abandon_before(self, moment: datetime) -> int:
        """Give up every one that was last touched before; how many."""

    def keep(self, upload_id: UploadId, draft: UploadDraft, *, asset_id: AssetId, media_type: str) -> Received:
        """Make a file of what has arrived.

        Where the source has these bytes already nothing is kept but the description, if that file has none. Where
        its name is taken the draft says what happens; a file that is replaced keeps its id, and its description if
        the draft has none.

        Args:
            upload_id: What has arrived.
            draft: As it is to be kept, its source named.
            asset_id: SHA-256 of it.
            media_type: Sniffed.

        Raises:
            NotFoundError: As `unfinished`.
        """

    # --- here

    def files(self, source: str) -> list[UploadedFile]:
        """Every file of a source, by path (code-point order)."""

    def find(self, source: str, path: str) -> UploadedFile | None:
        """The file of that name, None when there is none."""

    def file(self, file_id: FileId) -> UploadedFile:
        """One.

        Raises:
            NotFoundError: There is none, or no more.
        """

    def describe(self, words: Mapping[FileId, str]) -> None:
        """Keep descriptions in the place of the present ones; unknown ids are passed over."""

    def remove(self, file_ids: Collection[FileId]) -> None:
        """Delete files, and bytes that no other file has; unknown ids are passed over."""

    def open(self, asset_id: AssetId) -> BinaryIO:
        """The bytes of a file, seekable; the caller closes.

        Raises:
            UnreadableAssetError: No file has them any more (stage `fetch`).
        """

    def sweep(self) -> int:
        """Delete bytes that no file has: what a process left that was killed between two steps. How many files."""
