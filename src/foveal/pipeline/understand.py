"""Understand: run the models over an image or a text, each result paid for once.

Results are cached by content hash + model identity + prompt version (the last two are both in `identity`), so
whatever is done again with the same bytes and the same model makes no call.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from foveal.pipeline.findings import (
    CAPTION,
    DETECTIONS,
    ENCODING,
    LINES,
    REGIONS,
    SAFETY,
    TRANSCRIPT,
    VECTOR,
    Codec,
    ImageFindings,
    Regions,
    tags_from,
)
from foveal.ports.models import (
    Captioner,
    ImageEncoder,
    Model,
    ObjectDetector,
    SafetyScorer,
    TextEmbedder,
    TextRecognizer,
    Transcriber,
)
from foveal.ports.stores import ModelCache
from foveal.retrieval.adapter import image_features
from foveal.retrieval.regions import REGIONS_VERSION, choose_regions, region_square
from foveal.types.assets import AssetId
from foveal.types.content import Detections, ImageContent, SafetyScores
from foveal.types.speech import Transcript
from foveal.types.vectors import FloatArray, Pixels, Samples

T = TypeVar("T")

SILENT = 64
"""Of 32,767: sound that is nowhere louder is silence (-54 dB)."""


class ImageUnderstanding:
    """The image models of an index, each optional but the encoder, behind one cache.

    Thread-safe as its models are. A caption is asked for at most once an image.

    Args:
        regions: Whether what the detector finds may be encoded by itself.
    """

    def __init__(
        self,
        *,
        encoder: ImageEncoder,
        cache: ModelCache,
        detector: ObjectDetector | None = None,
        recognizer: TextRecognizer | None = None,
        safety: SafetyScorer | None = None,
        captioner: Captioner | None = None,
        regions: bool = False,
    ) -> None:
        self.encoder = encoder
        self.detector = detector
        self.recognizer = recognizer
        self.safety = safety
        self.captioner = captioner
        self._cache = cache
        seen_by = f"{encoder.identity}+{detector.identity}+{REGIONS_VERSION}" if regions and detector else ""
        self._regions = _Named(identity=seen_by) if seen_by else None
        models: tuple[Model | None, ...] = (encoder, detector, recognizer, safety, captioner, self._regions)
        self._models = tuple(m for m in models if m is not None)

    @property
    def recipe(self) -> str:
        """Identities of all models that are on."""
        return "+".join(m.identity for m in self._models)

    def understand(
        self, asset_id: AssetId, image: ImageContent, *, described: bool, regions: bool = False
    ) -> ImageFindings:
        """Look at one image.

        Args:
            asset_id: Hash of the file; names the image in the cache (`image_name`).
            image: The decoded image.
            described: Whether a person described it: then no caption is paid for.
            regions: Whether its parts are to be found by themselves.
        """
        part = image_name(asset_id, image.locator.page, image.picture)
        calls = _Calls(self._cache.get_many([_key(m, part) for m in self._models]), part)
        try:
            found = self._look(image, calls, described=described)
            return replace(found, regions=self._parts(image.pixels, found.detections, calls)) if regions else found
        finally:
            if calls.fresh:
                self._cache.put_many(calls.fresh)

    def _look(self, image: ImageContent, calls: _Calls, *, described: bool) -> ImageFindings:
        pixels = image.pixels
        encoder, detector, recognizer = self.encoder, self.detector, self.recognizer
        safety, captioner = self.safety, self.captioner
        encoding = calls.once(encoder, lambda: encoder.encode([pixels])[0], ENCODING)
        detections = calls.once(detector, lambda: detector.detect([pixels])[0], DETECTIONS) if detector else None
        lines = calls.once(recognizer, lambda: recognizer.recognize(pixels), LINES) if recognizer else ()
        scores = calls.once(safety, lambda: safety.score_images([pixels])[0], SAFETY) if safety else SafetyScores()
        caption = None
        if captioner and not described:
            facts = _facts_for_caption(image, [line.text for line in lines])
            caption = calls.once(captioner, lambda: captioner.caption(pixels, facts), CAPTION)
        return ImageFindings(
            encoding=encoding,
            detections=detections,
            ocr_lines=lines,
            safety=scores,
            caption=caption,
            tags=tags_from(encoding, encoder.labels),
        )

    def _parts(self, pixels: Pixels, detections: Detections | None, calls: _Calls) -> Regions | None:
        """What was detected, each encoded by itself; None where nothing was or that is off."""
        if self._regions is None or detections is None:
            return None
        height, width = pixels.shape[:2]
        boxes = choose_regions(detections, width_px=width, height_px=height)
        if not boxes:
            return None

        def encode() -> Regions:
            encodings = self.encoder.encode([region_square(pixels, box) for box in boxes])
            return Regions(boxes=boxes, vectors=np.stack([one.vector for one in encodings]))

        return calls.once(self._regions, encode, REGIONS)

    def features(self, names: Sequence[str]) -> list[FloatArray | None]:
        """What the adapter learns from, of images seen before, from the cache alone.

        Args:
            names: Of images (`image_name`).

        Returns:
            `image_features` (float32 [f]) of each image, in order; None where the cache has lost it.
        """
        models = [m for m in (self.encoder, self.detector) if m is not None]
        known = self._cache.get_many([_key(m, name) for name in names for m in models])
        return [self._features(known, name) for name in names]

    def _features(self, known: Mapping[str, bytes], part: str) -> FloatArray | None:
        encoding = known.get(_key(self.encoder, part))
        detections = known.get(_key(self.detector, part)) if self.detector else None
        if encoding is None or (self.detector and detections is None):
            return None
        return image_features(
            ENCODING.unpack(encoding), DETECTIONS.unpack(detections) if detections is not None else None
        )


class TextUnderstanding:
    """Text vectors, each text embedded once."""

    def __init__(self, embedder: TextEmbedder, cache: ModelCache) -> None:
        self.embedder = embedder
        self._cache = cache

    @property
    def recipe(self) -> str:
        """Identity of the embedder."""
        return self.embedder.identity

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """float32 [n, dim], rows L2-normalised, of passages."""
        if not texts:
            return np.zeros((0, self.embedder.dim), np.float32)
        keys = [_key(self.embedder, hashlib.sha256(t.encode()).hexdigest()) for t in texts]
        known = dict(self._cache.get_many(keys))
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            vectors = self.embedder.embed_passages(list(missing.values()))
            fresh = {key: VECTOR.pack(v) for key, v in zip(missing, vectors, strict=True)}
            self._cache.put_many(fresh)
            known.update(fresh)
        return np.stack([VECTOR.unpack(known[key]) for key in keys])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A way of looking that has an identity of its own."""

    identity: str


class SpeechUnderstanding:
    """A speech model behind the cache: a stretch of sound is listened to once, in whatever file it is."""

    def __init__(self, transcriber: Transcriber, cache: ModelCache) -> None:
        self.transcriber = transcriber
        self._cache = cache

    @property
    def recipe(self) -> str:
        """Identity of the model."""
        return self.transcriber.identity

    def transcribe(self, samples: Samples) -> Transcript:
        """What is said in a stretch of sound; silence costs nothing."""
        if not samples.size or int(np.abs(samples.astype(np.int32)).max()) < SILENT:
            return Transcript()
        key = _key(self.transcriber, hashlib.sha256(samples.tobytes()).hexdigest())
        known = self._cache.get_many([key]).get(key)
        if known is not None:
            return TRANSCRIPT.unpack(known)
        transcript = self.transcriber.transcribe(samples)
        self._cache.put_many({key: TRANSCRIPT.pack(transcript)})
        return transcript


class _Calls:
    """The calls for one image: from the cache where it knows, else made and remembered in `fresh`."""

    def __init__(self, known: Mapping[str, bytes], part: str) -> None:
        self._known = known
        self._part = part
        self.fresh: dict[str, bytes] = {}

    def once(self, model: Model, call: Callable[[], T], codec: Codec[T]) -> T:
        key = _key(model, self._part)
        if key in self._known:
            return codec.unpack(self._known[key])
        value = call()
        self.fresh[key] = codec.pack(value)
        return value


def _key(model: Model, part: str) -> str:
    return f"{model.identity}:{part}"


def image_name(asset_id: AssetId, page: int | None, picture: str = "") -> str:
    """What names an image in the cache: its file and page, or what is the same of a picture in every document.

    Args:
        asset_id: Hash of the file.
        page: The page of which it is an image, None for a single image.
        picture: As `ImageContent` has it.
    """
    return picture or f"{asset_id}/{page or 0}"


def _facts_for_caption(image: ImageContent, text: list[str]) -> str:
    facts = {"taken_at": str(image.facts.taken_at or ""), "camera": image.facts.camera or "", "text_in_image": text}
    return json.dumps(facts, ensure_ascii=False)
