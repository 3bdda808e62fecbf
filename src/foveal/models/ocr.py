"""Text seen in images: PP-OCRv6, the small detector and recogniser, in the ONNX form that RapidOCR publishes.

Most photographs have no text, so the detector looks at a small copy first, and only an image where it finds
something is looked at closely and read. The pipeline and its constants follow RapidOCR 3.10 (Apache-2.0); it is
written out here because ours needs two looks and sessions that threads share, and none of that package's
dependencies.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
    from foveal.models.tesseract import OtherScripts

_GRID_PX: Final = 32
"""The detector's sides are multiples of this."""
_LARGEST_ENLARGEMENT: Final = 2.0
_LINE_HEIGHT_PX: Final = 48
_WIDEST_LINE_PX: Final = 3200
_PIPELINE: Final = 5
"""Part of the identity: raise it when the same models read otherwise."""
_FEWEST_UNREAD: Final = 2
_MUCH_UNREAD: Final = 0.3
"""Share of the lines that must make no sense before other scripts are tried."""
_LINE_RATIO: Final = 2.0
_LINE_SCORE: Final = 0.65
_FEWEST_PAGE_LINES: Final = 4
_MOSTLY: Final = 0.7
"""Share of the lines that must lie one way for an image to be a page that may be turned."""
_JUDGED_LINES: Final = 3
_SENSE: Final = 0.85
"""Mean confidence from which lines make sense."""
_SURER: Final = 0.15
"""Confidence by which lines must read better on their heads than as they are."""


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
    """PP-OCRv6 small through onnxruntime: Latin script, Greek, Chinese, Japanese; others by what `others` reads.

    The models are opened at first use (0.3 s), and pulled then where that is allowed. Lines come in the order of
    `ocr_order`; a page that lies on its side or stands on its head is turned first.

    Cost on one core: 11 ms for a photograph of 224 px without text and 40 ms for one of 640 px, 130 ms more where
    text is suspected, and 6 to 25 ms a line.

    Args:
        folder: Where the model files are.
        threads: Threads of one run. With 1, work from several threads goes on side by side.
        options: How closely to look; other than the defaults they show in `identity`.
        others: Reads the scripts that these models do not know, of an image in which lines made no sense.

    Raises (from `recognize`):
        ModelUnavailableError: The models are not here and may not be, or cannot be, pulled.
        ModelChecksumError: A file is not what the card describes.
    """

    def __init__(
        self,
        folder: ModelFolder,
        *,
        threads: int = 1,
        options: OcrOptions = _DEFAULTS,
        others: OtherScripts | None = None,
    ) -> None:
        self._folder = folder
        self._threads = threads
        self._options = options
        self._others = others
        self._lock = threading.Lock()
        self._engine: _Engine | None = None

    @property
    def identity(self) -> str:
        """Name and version, with the options that differ from the defaults."""
        name = f"{PP_OCR.identity}-{_PIPELINE}"
        with_options = name if self._options == _DEFAULTS else f"{name}:{self._options}"
        return f"{with_options}+{self._others.identity}" if self._others else with_options

    def recognize(self, image: Pixels) -> tuple[OcrLine, ...]:
        """Lines in reading order; empty when there is no text."""
        from foveal.models.ocr_order import DOUBTFUL, in_reading_order, merged
        from foveal.models.ocr_regions import polygon, straightened, turned

        engine = self._opened()
        regions = self._regions(engine, image)
        turns = self._turns(engine, image, regions)
        if turns:
            image = np.ascontiguousarray(np.rot90(image, turns))
            regions = self._regions(engine, image)
        height, width = image.shape[:2]
        lines: list[OcrLine] = []
        unread = 0
        for region in in_reading_order(regions):
            text, score = self._read(engine, straightened(image, region), bent=region.arc is not None)
            if self._options.believes(text, score):
                corners = polygon(region, width_px=width, height_px=height)
                lines.append(OcrLine(text=text, score=score, polygon=corners))
                unread += score < DOUBTFUL and _is_line(region)
            else:
                unread += _is_line(region)
        if self._others is not None and unread >= _FEWEST_UNREAD and unread >= _MUCH_UNREAD * len(regions):
            lines = merged(lines, self._others.read(image), width_px=width, height_px=height)
        return tuple(replace(line, polygon=turned(line.polygon, turns)) for line in lines)

    def _turns(self, engine: _Engine, image: Pixels, regions: Sequence[Region]) -> int:
        """Quarter turns to the left that set a page upright, by how its longest lines read; 0 for scattered text."""
        from foveal.models.ocr_regions import sides, stands_upright, straightened

        upright = sum(stands_upright(straightened(image, region)) for region in regions)
        if len(regions) < _FEWEST_PAGE_LINES or _MOSTLY > upright / len(regions) > 1 - _MOSTLY:
            return 0
        longest = sorted(regions, key=lambda region: -max(sides(region.corners)))[:_JUDGED_LINES]
        crops = [straightened(image, region) for region in longest]

        def sense(turns: int) -> float:
            return float(np.mean([engine.read(np.rot90(crop, turns))[1] for crop in crops]))

        if upright / len(regions) >= _MOSTLY:
            return max((1, 3), key=sense)
        as_it_is = sense(0)
        return 2 if as_it_is < _SENSE and sense(2) > as_it_is + _SURER else 0

    def _read(self, engine: _Engine, line: Pixels, *, bent: bool = False) -> tuple[str, float]:
        """Text and confidence, the way round that reads best: only a line that makes no sense is turned over, or a bent
        one, of which half are written along the inner side.
        """
        from foveal.models.ocr_regions import stands_upright

        if stands_upright(line):
            return max((engine.read(np.rot90(line, turns)) for turns in (1, 3)), key=itemgetter(1))
        upright = engine.read(line)
        if self._options.believes(*upright) and not bent:
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

        from foveal.models.ocr_decoding import decoded

        height, width = line.shape[:2]
        line_width = min(math.ceil(_LINE_HEIGHT_PX * width / height), _WIDEST_LINE_PX)
        copy = cv2.resize(np.ascontiguousarray(line), (line_width, _LINE_HEIGHT_PX))
        (steps,) = self._recognizer.run(None, {"x": _normalised(copy)[None]})
        return decoded(steps[0], self._characters, line)


def _is_line(region: Region) -> bool:
    """Whether a region that could not be read must be a line of text: texture is seldom so long and so sure."""
    from foveal.models.ocr_regions import sides

    width, height = sides(region.corners)
    return region.score >= _LINE_SCORE and max(width, height) >= _LINE_RATIO * min(width, height)


def _normalised(image: Pixels) -> FloatArray:
    """float32 [3, h, w], blue first, -1..1: what both models were trained on."""
    planes: FloatArray = image[..., ::-1].transpose(2, 0, 1).astype(np.float32)
    planes *= 2 / 255
    planes -= 1
    return planes
