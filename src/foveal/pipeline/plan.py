"""Plan: what an ingest would do, before anything is paid for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from foveal.errors import AssetError
from foveal.pipeline.ingest import IngestRequest, compare
from foveal.pipeline.prepare import Preparer, sniff_file
from foveal.ports import Catalog, IngestionLog
from foveal.types.assets import MediaKind, SourceItem
from foveal.types.ingestions import DocumentState, IngestionCounts, IngestionPlan, IngestionState, ModelWork

CAPTION_PROMPT_TOKENS = 765 + 40
"""An image of 1,024 x 1,024 at high detail by the documented formula (85 + 170 x 4 tiles), and the prompt."""
CAPTION_COMPLETION_TOKENS = 320
"""Two hundred words and more, with tags."""
CAPTION_SECONDS = 6.0
BYTES_PER_TOKEN = 4
IMAGE_SECONDS = 0.4
"""One image through all local models on one core, used until an ingestion has measured this machine."""
TEXT_SECONDS = 0.05
VIDEO_BYTES_PER_SECOND = 150_000
"""Of a common video (1.2 Mbit/s): how long one is can only be told by reading it."""
SOUND_BYTES_PER_SECOND = 16_000
"""Of a common recording (128 kbit/s)."""
TIMELINE_SECONDS = 0.8
"""A second of video or sound through all local models on one core."""
KEY_FRAMES_PER_SECOND = 0.2


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
    """Makes plans. `captioner` and `embedder` are None while these roles are local or off."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        log: IngestionLog,
        preparer: Preparer,
        workers: int,
        captioner: PricedModel | None = None,
        embedder: PricedModel | None = None,
    ) -> None:
        self._catalog = catalog
        self._log = log
        self._preparer = preparer
        self._workers = workers
        self._captioner = captioner
        self._embedder = embedder

    def plan(self, request: IngestRequest) -> IngestionPlan:
        """Compare, sniff what is new, and estimate."""
        difference = compare(self._catalog, self._preparer, request)
        kinds: Counter[str] = Counter()
        images: list[SourceItem] = []
        texts: list[SourceItem] = []
        played_s = frames = 0.0
        skipped = failed = changed = 0
        for item, before in difference.todo:
            try:
                media_type, kind = self._sniff(request, item)
            except AssetError:
                failed += 1
                continue
            kinds[media_type or "unknown"] += 1
            skipped += kind is None
            changed += kind is not None and before is not None and before.state is DocumentState.INDEXED
            if kind is MediaKind.IMAGE:
                images.append(item)
            elif kind is MediaKind.TEXT:
                texts.append(item)
            elif kind is MediaKind.VIDEO:
                played_s += item.size_bytes / VIDEO_BYTES_PER_SECOND
                frames += item.size_bytes / VIDEO_BYTES_PER_SECOND * KEY_FRAMES_PER_SECOND
            elif kind is MediaKind.AUDIO:
                played_s += item.size_bytes / SOUND_BYTES_PER_SECOND
        work = self._work(images, texts, request, round(frames))
        local = len(images) * self._image_seconds(request.index) + len(texts) * TEXT_SECONDS
        local = (local + played_s * TIMELINE_SECONDS) / self._workers
        return IngestionPlan(
            index=request.index,
            source=request.source.name,
            counts=IngestionCounts(
                found=difference.unchanged + len(difference.todo),
                added=len(difference.todo) - changed - skipped - failed,
                changed=changed,
                deleted=len(difference.gone),
                unchanged=difference.unchanged,
                failed=failed,
                skipped=skipped,
            ),
            by_media_type=tuple(kinds.most_common()),
            work=work,
            seconds=local + sum(w.seconds for w in work),
        )

    def _sniff(self, request: IngestRequest, item: SourceItem) -> tuple[str, MediaKind | None]:
        with request.source.open(item) as file:
            sniffed = sniff_file(self._preparer.sniff, item.path, item.size_bytes, file)
        return sniffed.media_type, sniffed.kind

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

    def _image_seconds(self, index: str) -> float:
        """Seconds an image took one worker in the latest ingestion that added at least fifty files."""
        for job in self._log.recent(index):
            files = job.counts.added + job.counts.changed
            if job.state is not IngestionState.RUNNING and files >= 50 and job.finished_at:
                return (job.finished_at - job.started_at).total_seconds() / files * self._workers
        return IMAGE_SECONDS
