"""Videos and recordings of a home: what listens to them, and their frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, BinaryIO

from foveal.errors import AssetError, NotFoundError
from foveal.pipeline.timeline import Listening
from foveal.pipeline.understand import SpeechUnderstanding
from foveal.types.assets import Asset, MediaKind
from foveal.types.chunks import Chunk
from foveal.types.content import ImageContent

if TYPE_CHECKING:
    from foveal.ports.stores import ByteStore, ModelCache
    from foveal.readers.video import VideoReader
    from foveal.runtime.models import Models
    from foveal.settings import Settings


def listening(models: Models, cache: ModelCache, settings: Settings) -> Listening:
    """How speech becomes words, by the settings; where it does not, what a file's owner is told."""
    from foveal.readers.subtitles import read_subtitles

    transcriber = models.speech
    if transcriber is not None:
        return Listening(speech=SpeechUnderstanding(transcriber, cache), read_subtitles=read_subtitles)
    silence = ""
    if settings.speech.on:
        pull = f"foveal models pull whisper-{settings.speech.size}"
        silence = f"Nobody listened to it: the speech model is not on this machine. Run `{pull}`, then ingest again."
    return Listening(silence=silence, read_subtitles=read_subtitles)


class Frames:
    """Frames of videos of an index, out of the original.

    Args:
        reader: Decodes them.
        derived: Keeps small ones.
        original: The file a chunk is from, proven; the caller closes.
    """

    def __init__(self, reader: VideoReader, derived: ByteStore, original: Callable[[Chunk], BinaryIO]) -> None:
        self._reader = reader
        self._derived = derived
        self._original = original

    def at(self, chunk: Chunk, times_ms: Sequence[int], *, long_side_px: int | None = None) -> list[ImageContent]:
        """What is on the screen at these times, in order of the times.

        Raises:
            NotFoundError: It is no video, its file is gone or has changed, or it has no frame there.
        """
        if chunk.kind is not MediaKind.VIDEO:
            raise NotFoundError(f"{chunk.filepath} is no video, so there are no frames.")
        asset = Asset(
            asset_id=chunk.asset_id,
            path=chunk.filepath,
            media_type=chunk.media_type,
            kind=chunk.kind,
            size_bytes=chunk.size_bytes,
        )
        with self._original(chunk) as file:
            try:
                return list(self._reader.frames_at(asset, file, times_ms, long_side_px=long_side_px))
            except AssetError as error:
                raise NotFoundError(f"{chunk.filepath} cannot be shown: {error.message}") from None

    def thumbnail(self, chunk: Chunk, *, long_side_px: int) -> bytes:
        """A JPEG of the frame of a moment.

        Raises:
            NotFoundError: As `at`, or nothing is shown in it.
        """
        from foveal.runtime.viewing import kept_jpeg

        at_ms = chunk.locator.frame_ms
        if at_ms is None:
            raise NotFoundError(f"{chunk.filepath} has no pictures, so there is no thumbnail.")
        name = f"{at_ms}ms-{long_side_px}.jpg"
        return kept_jpeg(self._derived, chunk, name, lambda: self.at(chunk, [at_ms])[0], long_side_px)
