"""Plan: what an ingest would do, before anything is paid for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from foveal.errors import AssetError, AssetLimitError, IndexNotFoundError, UnsupportedAssetError
from foveal.pipeline.ingest import IngestRequest, compare
from foveal.pipeline.prepare import Preparer, sniff_file
from foveal.ports.ingestions import IngestionLog
from foveal.ports.stores import Catalog
from foveal.types.assets import MediaKind, Sniffed, SourceItem
from foveal.types.ingestions import (
    AssetFailure,
    DocumentRecord,
    DocumentState,
    IngestionCounts,
    IngestionPlan,
    IngestionState,
    ModelWork,
)

CAPTION_PROMPT_TOKENS = 765 + 40
"""An image of 1,024 x 1,024 at high detail by the documented formula (85 + 170 x 4 tiles), and the prompt."""
CAPTION_COMPLETION_TOKENS = 320
"""Two hundred words and more, with tags."""
CAPTION_SECONDS = 6.0
BYTES_PER_TOKEN = 4
IMAGE_SECONDS = 0.4
"""One image through all local models on one core; a job that was done tells how much quicker this machine is."""
TEXT_SECONDS = 0.05
VIDEO_BYTES_PER_SECOND = 150_000
"""Of a common video (1.2 Mbit/s): how long one is can only be told by reading it."""
SOUND_BYTES_PER_SECOND = 16_000
"""Of a common recording (128 kbit/s)."""
TIMELINE_SECONDS = 0.8
"""A second of video or sound through all local models on one core."""
KEY_FRAMES_PER_SECOND = 0.2
ENOUGH_FILES = 20
"""Files of a job that measures."""
LOOKED_AT = 50
"""Jobs looked at for one that measures."""
MOST_TOLD = 100
"""Files told one by one that will not be used; all are counted."""
_WHOLE = frozenset({IngestionState.SUCCEEDED, IngestionState.PARTIAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedModel:
    """A model that is paid for: its name, and the price of a million tokens each way (None: not set)."""

    name: str
    price_prompt: float | None
    price_completion: float | None
    concurrency: int

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Price of so many tokens, None when no price is set."""
        if self.price_prompt is None:
            return None
        return (prompt_tokens * self.price_prompt + completion_tokens * (self.price_completion or 0)) / 1e6


class Planner:
    """Makes plans. `captioner` and `embedder` are None while these roles are local or off.

    `limit_of` gives the most bytes of a file of that kind, None where there is no limit.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        log: IngestionLog,
        preparer: Preparer,
        workers: int,
        captioner: PricedModel | None = None,
        embedder: PricedModel | None = None,
        limit_of: Callable[[Sniffed], int | None] = lambda _: None,
    ) -> None:
        self._catalog = catalog
        self._log = log
        self._preparer = preparer
        self._workers = workers
        self._captioner = captioner
        self._embedder = embedder
        self._limit_of = limit_of

    def plan(self, request: IngestRequest) -> IngestionPlan:
        """Compare, sniff what is new, and estimate."""
        difference = compare(self._catalog, self._preparer, request)
        found = _Found()
        for item, before in difference.todo:
            self._look(request, item, before, found)
        work = self._work(found.images, found.texts, request, round(found.frames))
        pace, measured = self._pace(request.index)
        local = found.seconds * pace / self._workers
        return IngestionPlan(
            index=request.index,
            source=request.source.name,
            counts=IngestionCounts(
                found=difference.unchanged + len(difference.todo),
                added=len(difference.todo) - found.changed - found.skipped - found.failed,
                changed=found.changed,
                deleted=len(difference.gone),
                unchanged=difference.unchanged,
                failed=found.failed,
                skipped=found.skipped,
            ),
            by_media_type=tuple(found.types.most_common()),
            work=work,
            seconds=local + sum(w.seconds for w in work),
            measured=measured,
            unused=(*request.failures, *found.unused)[:MOST_TOLD],
        )

    def _look(self, request: IngestRequest, item: SourceItem, before: DocumentRecord | None, found: _Found) -> None:
        """What would become of one file that is new or changed."""
        try:
            sniffed = self._sniff(request, item)
        except AssetError as error:
            found.failed += 1
            found.tell(item, error)
            return
        found.types[sniffed.media_type or "unknown"] += 1
        limit = self._limit_of(sniffed)
        if sniffed.kind is None:
            found.skipped += 1
            reason = sniffed.reason or f"Files of type {sniffed.media_type or 'unknown'} are not read."
            found.tell(item, UnsupportedAssetError(reason, stage="sniff"))
        elif limit is not None and item.size_bytes > limit:
            found.failed += 1
            found.tell(item, AssetLimitError(f"It is larger than {limit / 2**20:.4g} MB.", stage="read"))
        else:
            found.changed += before is not None and before.state is DocumentState.INDEXED
            found.take(item, sniffed.kind)

    def _sniff(self, request: IngestRequest, item: SourceItem) -> Sniffed:
        with request.source.open(item) as file:
            return sniff_file(self._preparer.sniff, item.path, item.size_bytes, file)

    def _work(
        self, images: Sequence[SourceItem], texts: Sequence[SourceItem], request: IngestRequest, frames: int
    ) -> tuple[ModelWork, ...]:
        work: list[ModelWork] = []
        wordless = sum(not request.descriptions.get(item.path) for item in images) + frames
        if self._captioner and wordless:
            prompt, completion = wordless * CAPTION_PROMPT_TOKENS, wordless * CAPTION_COMPLETION_TOKENS
            work.append(
                ModelWork(
                    role="caption",
                    model=self._captioner.name,
                    calls=wordless,
                    prompt_tokens=prompt,
                    completion_tokens=completion,
                    cost=self._captioner.cost(prompt, completion),
                    seconds=wordless * CAPTION_SECONDS / self._captioner.concurrency,
                )
            )
        if self._embedder and (images or texts):
            tokens = len(images) * CAPTION_COMPLETION_TOKENS + sum(t.size_bytes for t in texts) // BYTES_PER_TOKEN
            work.append(
                ModelWork(
                    role="embedding",
                    model=self._embedder.name,
                    calls=len(images) + len(texts),
                    prompt_tokens=tokens,
                    completion_tokens=0,
                    cost=self._embedder.cost(tokens, 0),
                    seconds=0.1 * (len(images) + len(texts)) / self._embedder.concurrency,
                )
            )
        return tuple(work)

    def _pace(self, index: str) -> tuple[float, bool]:
        """How many times the assumed seconds a file takes on this machine, and whether that was measured: in the latest
        job with enough files, of that index if there is one, whose mix of images and texts the catalog knows.
        """
        for jobs in (self._log.recent(index, limit=LOOKED_AT), self._log.recent(limit=LOOKED_AT)):
            for job in jobs:
                files = job.counts.added + job.counts.changed
                assumed = self._assumed(job.index, job.source) if files >= ENOUGH_FILES and job.finished_at else 0.0
                if assumed and job.finished_at and job.state in _WHOLE:
                    took = (job.finished_at - job.started_at).total_seconds() * self._workers
                    return took / files / assumed, True
        return 1.0, False

    def _assumed(self, index: str, source: str) -> float:
        """Seconds that a file of a source was assumed to take one worker, on the average of what is indexed of it."""
        try:
            kinds = [d.media_type for d in self._catalog.documents(index, source) if d.state is DocumentState.INDEXED]
        except IndexNotFoundError:
            return 0.0
        images = sum(kind.startswith("image/") for kind in kinds)
        return (images * IMAGE_SECONDS + (len(kinds) - images) * TEXT_SECONDS) / len(kinds) if kinds else 0.0


@dataclass(slots=True)
class _Found:
    """What is found of files that are new or changed."""

    types: Counter[str] = field(default_factory=Counter)
    images: list[SourceItem] = field(default_factory=list)
    texts: list[SourceItem] = field(default_factory=list)
    video_s: float = 0.0
    sound_s: float = 0.0
    unused: list[AssetFailure] = field(default_factory=list)
    skipped: int = 0
    failed: int = 0
    changed: int = 0

    @property
    def seconds(self) -> float:
        """Of one worker, on a machine like the one the assumptions are from."""
        played = (self.video_s + self.sound_s) * TIMELINE_SECONDS
        return len(self.images) * IMAGE_SECONDS + len(self.texts) * TEXT_SECONDS + played

    @property
    def frames(self) -> float:
        """Key frames of the videos."""
        return self.video_s * KEY_FRAMES_PER_SECOND

    def take(self, item: SourceItem, kind: MediaKind) -> None:
        if kind is MediaKind.IMAGE:
            self.images.append(item)
        elif kind is MediaKind.TEXT:
            self.texts.append(item)
        elif kind is MediaKind.VIDEO:
            self.video_s += item.size_bytes / VIDEO_BYTES_PER_SECOND
        else:
            self.sound_s += item.size_bytes / SOUND_BYTES_PER_SECOND

    def tell(self, item: SourceItem, error: AssetError) -> None:
        self.unused.append(
            AssetFailure(path=item.path, stage=error.stage, code=error.code, reason=error.message, remedy=error.remedy)
        )
