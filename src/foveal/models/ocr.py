"""Text seen in images: PP-OCRv6, the small detector and recogniser, in the ONNX form that RapidOCR publishes.

Most photographs have no text, so the detector looks at a small copy first, and only an image where it finds
something is looked at closely and read. The pipeline and its constants follow RapidOCR 3.10 (Apache-2.0); it is
written out here because ours needs two looks and sessions that threads share, and none of that package's
dependencies.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import numpy as np

from foveal.models.card_table import PP_OCR
from foveal.models.onnx import session
from foveal.types.content import OcrLine
from foveal.types.vectors import FloatArray, Pixels

if TYPE_CHECKING:
    from foveal.models.ocr_regions import Region
    from foveal.models.pull import ModelFolder

_GRID_PX: Final = 32
"""The detector's sides are multiples of this."""
_LARGEST_ENLARGEMENT: Final = 2.0
_LINE_HEIGHT_PX: Final = 48
_WIDEST_LINE_PX: Final = 3200
_BLANK: Final = 0
"""The recogniser's class for "no character here" (connectionist temporal classification, Graves et al. 2006)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OcrOptions:
    """How closely to look, and what to believe.

    Measured on 230 photographs and 50 scanned receipts (one core): a glance of 640 px costs 11 to 60 ms and lets a
    third of the photographs through; a look of 960 px finds as many good lines as one of 1,280 px at half the cost.

    Attributes:
        glance_px: Long side of the copy that is looked at first; nothing is enlarged for it.
        look_px: Long side that smaller images are enlarged to (by 2 at most) for the closer look.
        largest_look_px: Long side that larger images are reduced to for it.
        region_score: Least mean probability of text in a region, 0..1.
        line_score: Least mean character confidence of a line, 0..1.
        short_line_score: The same for lines of fewer than three letters and digits, which texture, leaves and
            windows make up easily.
    """

    glance_px: int = 640
    look_px: int = 960
    largest_look_px: int = 1280
    region_score: float = 0.5
    line_score: float = 0.7
    short_line_score: float = 0.9

    def believes(self, text: str, score: float) -> bool:
        """Whether a line of that confidence is kept."""
        characters = sum(map(str.isalnum, text))
        return characters > 0 and score >= (self.line_score if characters > 2 else self.short_line_score)


_DEFAULTS: Final = OcrOptions()


class LocalTextRecognizer:
    """PP-OCRv6 small through onnxruntime: Latin script, Greek, Chinese, Japanese; no Korean, Cyrillic, Thai, Arabic.

    The models are opened at first use (0.3 s), and pulled then where that is allowed. Lines come in rows from top
    to bottom, in a row from left to right; columns of a page are not told apart, and the lines of a page that stands
    on its head are read, but come last first.

    Cost on one core: 11 ms for a photograph of 224 px without text and 40 ms for one of 640 px, 130 ms more where
    text is suspected, and 6 to 25 ms a line.

    Args:
        folder: Where the model files are.
        threads: Threads of one run. With 1, work from several threads goes on side by side.
        options: How closely to look; other than the defaults they show in `identity`.

    Raises (from `recognize`):
        ModelUnavailableError: The models are not here and may not be, or cannot be, pulled.
        ModelChecksumError: A file is not what the card describes.
    """

    def __init__(self, folder: ModelFolder, *, threads: int = 1, options: OcrOptions = _DEFAULTS) -> None:
        self._folder = folder
        self._threads = threads
        self._options = options
        self._lock = threading.Lock()
        self._engine: _Engine | None = None

    @property
    def identity(self) -> str:
        """Name and version, with the options that differ from the defaults."""
        return PP_OCR.identity if self._options == _DEFAULTS else f"{PP_OCR.identity}:{self._options}"

    def recognize(self, image: Pixels) -> tuple[OcrLine, ...]:
        """Lines in reading order; empty when there is no text."""
        from foveal.models.ocr_regions import in_reading_order, polygon, straightened

        height, width = image.shape[:2]
        engine = self._opened()
        lines = []
        for region in in_reading_order(self._regions(engine, image)):
            text, score = self._read(engine, straightened(image, region))
            if self._options.believes(text, score):
                corners = polygon(region, width_px=width, height_px=height)
                lines.append(OcrLine(text=text, score=score, polygon=corners))
        return tuple(lines)

    def _read(self, engine: _Engine, line: Pixels) -> tuple[str, float]:
        """Text and confidence, the way round that reads best: only a line that makes no sense is turned over."""
        from foveal.models.ocr_regions import stands_upright

        if stands_upright(line):
            return max((engine.read(np.rot90(line, turns)) for turns in (1, 3)), key=itemgetter(1))
        upright = engine.read(line)
        if self._options.believes(*upright):
            return upright
        return max(upright, engine.read(np.rot90(line, 2)), key=itemgetter(1))

    def _regions(self, engine: _Engine, image: Pixels) -> list[Region]:
        """Regions of a close look, which is only taken after a glance found something."""
        options, longest = self._options, max(image.shape[:2])
        if not engine.find(image, min(options.glance_px, longest), options.region_score):
            return []
        enlarged = min(options.look_px, int(_LARGEST_ENLARGEMENT * longest))
        look_px = min(max(enlarged, longest), options.largest_look_px)
        return engine.find(image, look_px, options.region_score)

    def _opened(self) -> _Engine:
        with self._lock:
            if self._engine is None:
                self._engine = _Engine(self._folder, self._threads)
            return self._engine


class _Engine:
    """The two opened models."""

    def __init__(self, folder: ModelFolder, threads: int) -> None:
        detector, recognizer = (folder.path(PP_OCR, file.name) for file in PP_OCR.files)
        self._detector = session(detector, threads=threads)
        self._recognizer = session(recognizer, threads=threads)
        listed = self._recognizer.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._characters = np.array(["", *listed, " "])

    def find(self, image: Pixels, long_side_px: int, threshold: float) -> list[Region]:
        """Regions of text, found on a copy of that long side."""
        import cv2

        from foveal.models.ocr_regions import find_regions

        height, width = image.shape[:2]
        scale = long_side_px / max(height, width)
        size = tuple(max(1, round(side * scale / _GRID_PX)) * _GRID_PX for side in (width, height))
        smooth = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
        copy = cv2.resize(np.ascontiguousarray(image), size, interpolation=smooth)
        (maps,) = self._detector.run(None, {"x": _normalised(copy)[None]})
        return find_regions(maps[0, 0], width_px=width, height_px=height, threshold=threshold)

    def read(self, line: Pixels) -> tuple[str, float]:
        """Text of one straightened line, and the mean confidence of its characters (0 without any)."""
        import cv2

        height, width = line.shape[:2]
        line_width = min(math.ceil(_LINE_HEIGHT_PX * width / height), _WIDEST_LINE_PX)
        copy = cv2.resize(np.ascontiguousarray(line), (line_width, _LINE_HEIGHT_PX))
        (steps,) = self._recognizer.run(None, {"x": _normalised(copy)[None]})
        classes, confidences = steps[0].argmax(axis=1), steps[0].max(axis=1)
        starts = np.concatenate([[True], classes[1:] != classes[:-1]]) & (classes != _BLANK)
        if not starts.any():
            return "", 0.0
        return "".join(self._characters[classes[starts]]).strip(), float(confidences[starts].mean())


def _normalised(image: Pixels) -> FloatArray:
    """float32 [3, h, w], blue first, -1..1: what both models were trained on."""
    planes: FloatArray = image[..., ::-1].transpose(2, 0, 1).astype(np.float32)
    planes *= 2 / 255
    planes -= 1
    return planes
