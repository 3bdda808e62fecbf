"""Bytes of uploads in files: `arriving/<upload id>` on their way here, `kept/ab/cd/<asset id>` afterwards.

How far a file is, is how long it is: that survives whatever ends the process, and no counter can disagree with it. What
the sender said of it stands beside it as JSON.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from foveal.errors import ConflictError, NotFoundError, StoreError, UnreadableAssetError
from foveal.stores.file_lock import locked
from foveal.types.assets import AssetId
from foveal.types.uploads import Unfinished, UploadDraft, UploadId

_HEX = frozenset("0123456789abcdef")
_SAID = ".json"


class UploadFiles:
    """The files under one folder; any number of processes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._arriving = root / "arriving"
        self._kept = root / "kept"
        self._own = threading.RLock()

    # --- on their way

    def begin(self, draft: UploadDraft) -> Unfinished:
        """Make an empty file with what is said of it."""
        upload_id = UploadId(uuid.uuid4().hex)
        with _translated(self._arriving):
            self._arriving.mkdir(parents=True, exist_ok=True)
            (self._arriving / f"{upload_id}{_SAID}").write_text(json.dumps(asdict(draft)), "utf-8")
            (self._arriving / upload_id).touch()
        return self.unfinished(upload_id)

    def unfinished(self, upload_id: UploadId) -> Unfinished:
        """How far it is."""
        place = self._place(upload_id)
        try:
            said = json.loads(place.with_name(f"{upload_id}{_SAID}").read_text("utf-8"))
            status = place.stat()
        except FileNotFoundError:
            raise _no_upload(upload_id) from None
        except OSError as error:
            raise _broken(place, error) from error
        touched_at = datetime.fromtimestamp(status.st_mtime, UTC)
        return Unfinished(upload_id=upload_id, draft=UploadDraft(**said), offset=status.st_size, touched_at=touched_at)

    def append(self, upload_id: UploadId, offset: int, data: bytes) -> int:
        """Keep its next bytes, while nobody else writes to any."""
        place = self._place(upload_id)
        with self.alone():
            try:
                with place.open("r+b") as file:
                    there = file.seek(0, os.SEEK_END)
                    if there != offset:
                        raise ConflictError(
                            f"The upload {upload_id} has {there} bytes, not {offset}.", remedy=f"Go on from {there}."
                        )
                    file.write(data)
            except FileNotFoundError:
                raise _no_upload(upload_id) from None
            except OSError as error:
                raise _broken(place, error) from error
        return offset + len(data)

    def read(self, upload_id: UploadId) -> BinaryIO:
        """What has arrived."""
        try:
            return self._place(upload_id).open("rb")
        except FileNotFoundError:
            raise _no_upload(upload_id) from None
        except OSError as error:
            raise _broken(self._arriving, error) from error

    def abandon(self, upload_id: UploadId) -> None:
        """Give it up."""
        place = self._place(upload_id)
        with _translated(place):
            place.unlink(missing_ok=True)
            place.with_name(f"{upload_id}{_SAID}").unlink(missing_ok=True)

    def abandon_before(self, moment: datetime) -> int:
        """Give up what nobody has sent anything to since."""
        count = 0
        for said in self._arriving.glob(f"*{_SAID}") if self._arriving.is_dir() else ():
            upload_id = UploadId(said.stem)
            try:
                old = self.unfinished(upload_id).touched_at < moment
            except NotFoundError:  # killed between its two files
                old = datetime.fromtimestamp(said.stat().st_mtime, UTC) < moment
            if old:
                self.abandon(upload_id)
                count += 1
        return count

    # --- here

    def keep(self, upload_id: UploadId, asset_id: AssetId) -> None:
        """Move what has arrived to where its bytes are kept, unless they are there already."""
        place = self._asset(asset_id)
        with _translated(place):
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(self._place(upload_id), place)
        self.abandon(upload_id)

    def open(self, asset_id: AssetId) -> BinaryIO:
        """The bytes."""
        try:
            return self._asset(asset_id).open("rb")
        except FileNotFoundError:
            raise UnreadableAssetError("The upload was deleted.", stage="fetch") from None
        except OSError as error:
            raise UnreadableAssetError(f"The upload cannot be opened: {error.strerror}.", stage="fetch") from None

    def delete(self, asset_ids: Collection[AssetId]) -> None:
        """Delete bytes."""
        for asset_id in asset_ids:
            with _translated(self._asset(asset_id)):
                self._asset(asset_id).unlink(missing_ok=True)

    def assets(self) -> Iterator[AssetId]:
        """All that are kept."""
        for place in self._kept.glob("??/??/*") if self._kept.is_dir() else ():
            yield AssetId(place.name)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While nobody else, in whatever process, keeps or deletes."""
        with self._own, locked(self._root / "lock", "The folder of uploads"):
            yield

    def _place(self, upload_id: UploadId) -> Path:
        if len(upload_id) != 32 or not _HEX.issuperset(upload_id):
            raise _no_upload(upload_id)
        return self._arriving / upload_id

    def _asset(self, asset_id: AssetId) -> Path:
        if len(asset_id) != 64 or not _HEX.issuperset(asset_id):
            raise StoreError(f"{asset_id!r} is no asset id.")
        return self._kept / asset_id[:2] / asset_id[2:4] / asset_id


def _no_upload(upload_id: UploadId) -> NotFoundError:
    return NotFoundError(
        f"There is no unfinished upload {upload_id[:32]!r}.", remedy="It is here whole, or was given up: begin again."
    )


def _broken(place: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{place} cannot be used: {error.strerror}.", remedy="See that the disk has room and the folder may be written."
    )


@contextmanager
def _translated(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _broken(place, error) from error
