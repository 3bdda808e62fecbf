"""SSDLite on MobileNetV2: objects of COCO's 80 classes with boxes, good at large things where NanoDet is at small ones.

A single-shot detector (Liu et al. 2016, arXiv:1512.02325) with separable predictors (Sandler et al. 2018,
arXiv:1801.04381) at 300 pixels: at each cell of six maps, 3 or 6 anchors (1,917 in all), each with 90 class scores and
the offsets of a box. It is TensorFlow's `ssdlite_mobilenet_v2_coco`, as TensorFlow.js ships it under the name coco-ssd;
decoding as in the Object Detection API (`faster_rcnn_box_coder.py`, scales 10, 10, 5, 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from foveal.models.card_table import SSDLITE
from foveal.models.coco_detector import CocoDetector
from foveal.models.tfjs import convert_tfjs, read_constant
from foveal.types.vectors import FloatArray, Pixels

_SIDE_PX = 300
_INPUT = "Preprocessor/sub"
_MAPS = (19, 10, 5, 3, 2, 1)
_ANCHORS = (3, 6, 6, 6, 6, 6)
_BOXES = tuple(f"BoxPredictor_{index}/BoxEncodingPredictor/BiasAdd" for index in range(len(_MAPS)))
_SCORES = tuple(f"BoxPredictor_{index}/ClassPredictor/BiasAdd" for index in range(len(_MAPS)))
_ROWS = 91  # background, and COCO's category numbers 1 to 90
_UNUSED = frozenset({12, 26, 29, 30, 45, 66, 68, 69, 71, 83})  # numbers COCO never gave to a category with boxes
_USED = [number for number in range(1, _ROWS) if number not in _UNUSED]
_SCALES = np.array((10.0, 10.0, 5.0, 5.0), np.float32)


class SsdLite(CocoDetector):
    """`ObjectDetector` on SSDLite MobileNetV2 at 300 pixels; see `CocoDetector` for what it takes."""

    card = SSDLITE
    sure = 0.5

    def _cells(self, image: Pixels) -> tuple[Sequence[FloatArray], FloatArray]:
        outputs = self._session.get().run([*_BOXES, *_SCORES], {_INPUT: _prepare(image)})
        offsets = np.concatenate([one.reshape(-1, 4) for one in outputs[: len(_MAPS)]])
        scales = [_probabilities(one.reshape(-1, _ROWS)) for one in outputs[len(_MAPS) :]]
        return scales, decode_offsets(offsets, self._anchors)

    @cached_property
    def _anchors(self) -> FloatArray:
        anchors = read_constant(*self._files(), "Postprocessor/ExpandDims")
        return anchors.reshape(-1, 4).astype(np.float32)

    def _convert(self, path: Path) -> None:
        shapes = {
            name: (1, side, side, anchors * size)
            for names, size in ((_BOXES, 4), (_SCORES, _ROWS))
            for name, side, anchors in zip(names, _MAPS, _ANCHORS, strict=True)
        }
        inputs = {_INPUT: (1, _SIDE_PX, _SIDE_PX, 3)}
        convert_tfjs(*self._files(), (*_BOXES, *_SCORES), path, inputs=inputs, shapes=shapes)


def _prepare(image: Pixels) -> FloatArray:
    """The whole image stretched to a square, from -1 to 1.

    Reduced by area where upstream samples bilinearly: the same at small sizes, and no aliasing of large photos.

    Returns:
        float32 [1, 300, 300, 3].
    """
    import cv2

    square = cv2.resize(image, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    spread: FloatArray = square.astype(np.float32)[None] / np.float32(127.5) - np.float32(1.0)
    return spread


def _probabilities(logits: FloatArray) -> FloatArray:
    """Logits [anchors, 91] as probabilities [anchors, 80] of the categories that COCO has."""
    return (1.0 / (1.0 + np.exp(-logits[:, _USED]))).astype(np.float32)


def decode_offsets(offsets: FloatArray, anchors: FloatArray) -> FloatArray:
    """Boxes of the anchors.

    Args:
        offsets: float32 [anchors, 4]: how far the centre is off in heights and widths of the anchor (down, right), and
            the logarithms of how much higher and wider the box is; all in the API's scales.
        anchors: float32 [anchors, 4]: top, left, bottom, right as fractions of the image.

    Returns:
        float32 [anchors, 4]: left, top, right, bottom as fractions of the image, inside it.
    """
    down, right, higher, wider = (offsets / _SCALES).T
    top, left, bottom, edge = anchors.T
    height, width = bottom - top, edge - left
    middle, centre = top + height / 2 + down * height, left + width / 2 + right * width
    tall, broad = height * np.exp(higher) / 2, width * np.exp(wider) / 2
    corners = np.stack([centre - broad, middle - tall, centre + broad, middle + tall], axis=1)
    return corners.clip(0.0, 1.0).astype(np.float32)
