"""Video indexes: made, changed, listed, asked. What brings documents in is `video_ingesting`.

What a caller may not see does not exist: an index made by a key with groups is there for these groups.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from foveal.errors import ConflictError, IndexNotFoundError, InvalidRequestError, NotFoundError
from foveal.pipeline.places import document_id
from foveal.pipeline.video_hits import hits_of, where_of
from foveal.ports.videos import VideoRegistry
from foveal.retrieval.metadata_values import read_moment, select_documents
from foveal.types.documents import Json
from foveal.types.search import Query, SearchResult
from foveal.types.videos import (
    IndexFeature,
    MetadataField,
    VideoDocument,
    VideoHit,
    VideoIndex,
    VideoIngestion,
    VideoIngestionState,
    VideoMode,
    VideoQuery,
    VideoTask,
)

Groups = tuple[str, ...] | None


class VideoIndexes:
    """Everything callers do with video indexes. Safe to use from several threads.

    Args:
        registry: Where they are kept.
        search: Searches the index of that name.
        is_taken: Whether there is an index of that name that is no video index's.
        is_there: Whether something was brought into an index already.
        drop: Removes what was brought into an index, silently where there is nothing.
        place: Name of the source that an index's files are in.
    """

    def __init__(
        self,
        registry: VideoRegistry,
        *,
        search: Callable[[str, Query], SearchResult],
        is_taken: Callable[[str], bool],
        is_there: Callable[[str], bool],
        drop: Callable[[str], None],
        place: Callable[[str], str],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._registry = registry
        self._search = search
        self._is_taken = is_taken
        self._is_there = is_there
        self._drop = drop
        self._place = place
        self._now = now

    # --- indexes

    def create(
        self,
        name: str,
        *,
        fields: tuple[MetadataField, ...],
        language: str,
        features: tuple[IndexFeature, ...],
        user_data: Mapping[str, Json],
        groups: tuple[str, ...],
    ) -> VideoIndex:
        """Make one. The same again changes nothing.

        Raises:
            ConflictError: There is another of that name.
        """
        if self._registry.index(name) is None and self._is_taken(name):
            raise ConflictError(f"The index {name!r} exists already.", remedy="Take another name.")
        now = self._now()
        index = VideoIndex(
            name=name,
            fields=fields,
            language=language,
            features=features,
            user_data=user_data,
            groups=groups,
            etag=_etag(),
            created_at=now,
            modified_at=now,
        )
        try:
            self._registry.put_index(index)
        except ConflictError:
            present = self._registry.index(name)
            if present is None or _unstamped(present, index) != index:
                raise
            return present
        return index

    def get(self, name: str, groups: Groups) -> VideoIndex:
        """One.

        Raises:
            IndexNotFoundError: There is none, or not for these groups.
        """
        found = self._registry.index(name)
        if found is None or not _may_see(found, groups):
            raise IndexNotFoundError(f"There is no video index {name!r}.", remedy="Make it first.")
        return found

    def all(self, groups: Groups) -> list[VideoIndex]:
        """By name."""
        return [index for index in self._registry.indexes() if _may_see(index, groups)]

    def change(
        self,
        name: str,
        groups: Groups,
        *,
        fields: tuple[MetadataField, ...] | None = None,
        user_data: Mapping[str, Json] | None = None,
    ) -> VideoIndex:
        """Change what is given; fields of a name that is there take the place of those.

        Raises:
            IndexNotFoundError: There is none, or not for these groups.
            PreconditionError: Somebody else changed it meanwhile.
        """
        present = self.get(name, groups)
        changed = replace(
            present,
            fields=_merged(present.fields, fields or ()),
            user_data=present.user_data if user_data is None else user_data,
            etag=_etag(),
            modified_at=self._now(),
        )
        self._registry.put_index(changed, replaces=present)
        return changed

    def delete(self, name: str, groups: Groups) -> None:
        """Remove one with everything in it.

        Raises:
            IndexNotFoundError: There is none, or not for these groups.
        """
        self.get(name, groups)
        self.forget(name)

    def registered(self, name: str) -> bool:
        """Whether there is a video index of that name, whoever may see it."""
        return self._registry.index(name) is not None

    def forget(self, name: str) -> None:
        """Remove whatever there is of an index, silently where there is nothing."""
        self._registry.remove_index(name)
        self._drop(name)

    # --- documents and ingestions

    def start(self, index: str, name: str, tasks: Sequence[VideoTask], groups: Groups) -> VideoIngestion:
        """Have documents added, changed or removed, in the background.

        Raises:
            IndexNotFoundError: There is none, or not for these groups.
            ConflictError: It has an ingestion of that name.
            InvalidRequestError: A task does not say which document it means, or has a date that is none.
        """
        present = self.get(index, groups)
        now = self._now()
        ingestion = VideoIngestion(
            index=index,
            name=name,
            state=VideoIngestionState.RUNNING,
            batch=str(uuid.uuid4()),
            created_at=now,
            modified_at=now,
        )
        self._registry.add_ingestion(ingestion, [_settled(task, present) for task in tasks])
        return ingestion

    def ingestion(self, index: str, name: str, groups: Groups) -> VideoIngestion:
        """One.

        Raises:
            IndexNotFoundError: No such index, or not for these groups.
            NotFoundError: No such ingestion.
        """
        for one in self.ingestions(index, groups):
            if one.name == name:
                return one
        raise NotFoundError(f"The index {index!r} has no ingestion {name!r}.")

    def ingestions(self, index: str, groups: Groups) -> list[VideoIngestion]:
        """Newest first.

        Raises:
            IndexNotFoundError: No such index, or not for these groups.
        """
        return list(self._registry.ingestions(self.get(index, groups).name))

    def documents(self, index: str, groups: Groups) -> list[VideoDocument]:
        """By id.

        Raises:
            IndexNotFoundError: No such index, or not for these groups.
        """
        return list(self._registry.documents(self.get(index, groups).name))

    def stored_id(self, index: str, document: VideoDocument) -> str:
        """What the searched index calls a document."""
        return document_id(self._place(index), document.path)

    # --- questions

    def find(self, names: Sequence[str], query: VideoQuery, groups: Groups) -> list[VideoHit]:
        """Moments of one index or several, the most relevant first.

        Raises:
            IndexNotFoundError: One of them is not there, or not for these groups.
            InvalidRequestError: A filter names a field that an index does not have, or that is not filterable.
        """
        indexes = [self.get(name, groups) for name in names]
        found = [hit for index in indexes for hit in self._find(index, query, groups)]
        found.sort(key=lambda hit: -hit.relevance)
        kept = [hit for hit in found if hit.relevance >= query.least]
        if query.most_documents is not None:
            first = list(dict.fromkeys((hit.index, hit.document_id) for hit in kept))[: query.most_documents]
            kept = [hit for hit in kept if (hit.index, hit.document_id) in first]
        return kept[query.skip : query.skip + query.top]

    def _find(self, index: VideoIndex, query: VideoQuery, groups: Groups) -> list[VideoHit]:
        documents = select_documents(index, self._registry.documents(index.name), query)
        wanted = {feature.name for feature in index.features} & (query.features or {"vision", "speech"})
        if not documents or not wanted or not self._is_there(index.name):
            return []
        ids = {self.stored_id(index.name, document): document.document_id for document in documents}
        everything = len(documents) == len(self._registry.documents(index.name))
        where = where_of(None if everything else list(ids), wanted)
        wide = Query(text=query.text, filter=where, groups=groups, top=2 * (query.skip + query.top), collapse=False)
        return hits_of(index.name, self._search(index.name, wide).hits, ids, dedup=query.dedup)


def _may_see(index: VideoIndex, groups: Groups) -> bool:
    return groups is None or not index.groups or bool(set(index.groups) & set(groups))


def _etag() -> str:
    return f'"{uuid.uuid4().hex}"'


def _unstamped(present: VideoIndex, other: VideoIndex) -> VideoIndex:
    """The present one with the other's stamps."""
    return replace(present, etag=other.etag, created_at=other.created_at, modified_at=other.modified_at)


def _merged(present: Sequence[MetadataField], given: Sequence[MetadataField]) -> tuple[MetadataField, ...]:
    return tuple({field.name: field for field in (*present, *given)}.values())


def _settled(task: VideoTask, index: VideoIndex) -> VideoTask:
    """The task with an id for a new document, and its metadata checked.

    Raises:
        InvalidRequestError: See `VideoIndexes.start`.
    """
    url = task.url.reveal
    if not task.document_id and not url:
        raise InvalidRequestError("A document has neither `documentId` nor `documentUrl`.")
    if task.mode is VideoMode.ADD and not url:
        raise InvalidRequestError(f"The document {task.document_id!r} has no `documentUrl` to be fetched from.")
    dated = {field.name for field in index.fields if field.type == "datetime"}
    metadata = {name.lower(): value for name, value in task.metadata.items()}
    for name in dated & metadata.keys():
        read_moment(metadata[name], name)
    known = task.document_id
    if task.mode is VideoMode.ADD and not known:
        known = hashlib.sha256(url.partition("?")[0].encode()).hexdigest()[:32]
    return replace(task, document_id=known, metadata=metadata)
