"""A person's words on any image that is there, wherever it came from: kept, and the image read again with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from foveal.errors import ConflictError, ForbiddenError, InvalidRequestError, NotFoundError
from foveal.pipeline.jobs import Jobs
from foveal.pipeline.saved_sources import SavedSources
from foveal.pipeline.uploads import Uploads
from foveal.ports.people import WrittenWords
from foveal.types.assets import MediaKind
from foveal.types.chunks import Chunk, ChunkId
from foveal.types.conversations import PersonId
from foveal.types.ingestions import NO_JOB, Ingestion, JobKind
from foveal.types.sources import SavedSource, SourceKind

Look = Callable[[str, ChunkId, tuple[str, ...] | None], Chunk]
LOOKED_AT = 1_000
"""Jobs looked at for the one that read a folder last."""


class Rewording:
    """Changes what people say of images.

    Args:
        look: One chunk of an index, if these groups may see it.
        words: Where they are kept when the source is not ours.
        uploads: Gives the files that people sent, whose words are kept with them.
    """

    def __init__(
        self,
        *,
        look: Look,
        words: WrittenWords,
        sources: SavedSources,
        jobs: Jobs,
        uploads: Callable[[], Uploads],
    ) -> None:
        self._look = look
        self._words = words
        self._sources = sources
        self._jobs = jobs
        self._uploads = uploads

    def describe(
        self,
        index: str,
        chunk_id: ChunkId,
        words: str,
        *,
        by: PersonId,
        groups: tuple[str, ...] | None,
        may_change: Callable[[SavedSource], bool] = lambda _: True,
    ) -> Ingestion:
        """Give an image other words; empty: those of its source hold again.

        Args:
            by: Who says so.
            groups: As in `Query.groups`.
            may_change: Whether that person changes a saved source.

        Returns:
            The job that brings the index in line: it calls no model but the text model, and refits the adapter.

        Raises:
            NotFoundError: There is none, or it is not for these groups.
            ForbiddenError: Its source is not this person's to change.
            InvalidRequestError: It is no image file.
            ConflictError: Nothing is known of the job that read it, so it cannot be read again.
        """
        chunk = self._look(index, chunk_id, groups)
        if chunk.kind is not MediaKind.IMAGE or not chunk.media_type.startswith("image/"):
            raise InvalidRequestError(f"{chunk.filepath} is no image.", remedy="Only image files take a description.")
        saved = self._saved(index, chunk.source)
        if saved is not None and not may_change(saved):
            raise ForbiddenError(f"The source {saved.settings.name} is not yours to change.")
        said = words.strip()
        if saved is not None and saved.settings.kind is SourceKind.UPLOADS:
            return self._describe_upload(saved.settings.name, chunk.filepath, said)
        again = self._again(index, chunk.source, saved)
        self._words.write(index, chunk.source, chunk.filepath, said, by=by)
        return again()

    def _describe_upload(self, source: str, path: str, words: str) -> Ingestion:
        uploads = self._uploads()
        file = next((one for one in uploads.files(source) if one.path == path), None)
        if file is None:
            raise NotFoundError(f"{path} was deleted.")
        return uploads.describe(file.file_id, words)[1]

    def _saved(self, index: str, location: str) -> SavedSource | None:
        found = (one for one in self._sources.all() if (one.settings.index, one.settings.location) == (index, location))
        return next(found, None)

    def _again(self, index: str, source: str, saved: SavedSource | None) -> Callable[[], Ingestion]:
        """What has a source read once more: as a saved one, or as it was read last."""
        if saved is not None:
            name = saved.settings.name
            return lambda: self._sources.ask_again(name)
        jobs = self._jobs.recent(index, limit=LOOKED_AT)
        last = next((job for job in jobs if (job.kind, job.source) == (JobKind.INGEST, source)), None)
        if last is None:
            raise ConflictError(
                f"How {source} was read is not known any more.", remedy="Ingest it again, then describe."
            )
        order = replace(last.order, retries=NO_JOB)
        return lambda: self._jobs.enqueue(order)
