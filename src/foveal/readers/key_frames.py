"""Which frames of a video stand for what it shows: of every shot the sharpest, and another whenever enough has changed.

A shot is cut into windows of `WINDOW_S`. Of each window the sharpest look is the candidate; the first of a shot is
always taken, a later one when it differs from every frame taken of that shot lately, or when the last one was taken
`static_s` ago. How much must differ follows from how much moves anyway: where nothing does, a title is enough; and the
more were taken lately the more it must be, so that a walk with the camera in hand does not become an album. A window
in which there is nothing to be seen (a fade, a blank) gives no frame, and ends what was shown before it.

A look is one frame of a few a second, small and grey for comparing, and as large as it is kept. Sharpness is the
variance of the Laplacian (Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy"); the difference of
two looks is the share of the blocks of a grid whose brightness or whose edges changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from foveal.types.vectors import FloatArray, Pixels

Gray = npt.NDArray[np.uint8]
"""uint8 [h, w], small."""

WINDOW_S = 2.0
CHANGED_LEAST, CHANGED_MOST = 0.02, 0.08
"""Share of blocks that must have changed while nothing else was taken lately: in a still picture, and in any."""
_MOTION_FACTOR = 2.0
_MOTION_LOOKS = 12
FLAT = 2.0
"""Sharpness below which there is nothing to be seen."""
LATELY_S = 30.0
_BLOCKS = (9, 16)
_BRIGHTNESS_STEP = 14.0
"""Of 255: what noise and compression do not do to the mean of a block."""
_EDGES_STEP = 9.0
"""Likewise of the mean gradient, which letters raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One frame that may become a key frame.

    Attributes:
        at_s: Its time.
        small: For comparing.
        pixels: As it is kept.
    """

    at_s: float
    small: Gray
    pixels: Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFrame:
    """A frame that stands for what is shown from `start_s` to `end_s`."""

    start_s: float
    end_s: float
    look: Look


@dataclass(slots=True)
class _Window:
    """The looks of one window: where it begins, and the sharpest."""

    start_s: float
    best: Look
    sharpness: float
    seen: FloatArray


@dataclass(slots=True)
class KeyFrames:
    """Takes looks in order of time; gives key frames, each as soon as it is known until when it stands.

    Attributes:
        static_s: After so many seconds another frame is taken though nothing has changed.
    """

    static_s: float
    _window: _Window | None = None
    _waiting: tuple[float, Look] | None = None
    _taken: list[tuple[float, FloatArray]] = field(default_factory=list)
    _last: FloatArray | None = None
    _motion: deque[float] = field(default_factory=lambda: deque(maxlen=_MOTION_LOOKS))
    _blank: KeyFrame | None = None
    _found: bool = False

    def see(self, look: Look) -> Iterator[KeyFrame]:
        """One more look at the same shot."""
        window = self._window
        if window is not None and look.at_s - window.start_s >= WINDOW_S:
            yield from self._judge(window)
            window = None
        sharpness, seen = _sharpness(look.small), _blocks(look.small)
        if window is not None and sharpness < FLAT <= window.sharpness:
            yield from self.cut(look.at_s)  # a title that went: what comes next is another, however alike
            window = None
        if self._last is not None:
            self._motion.append(_changed(seen, self._last))
        self._last = seen
        if window is None or window.sharpness < FLAT <= sharpness:
            self._window = _Window(look.at_s, look, sharpness, seen)
        elif sharpness > window.sharpness:
            window.best, window.sharpness, window.seen = look, sharpness, seen

    def cut(self, at_s: float) -> Iterator[KeyFrame]:
        """The shot ends here (and another begins, if there are more looks)."""
        if self._window is not None:
            yield from self._judge(self._window)
        yield from self._ended(at_s)
        self._window, self._last = None, None
        self._taken.clear()
        self._motion.clear()

    def end(self, at_s: float) -> Iterator[KeyFrame]:
        """The last shot ends here. Where nothing was ever to be seen, one frame of nothing."""
        yield from self.cut(at_s)
        if not self._found and self._blank is not None:
            yield replace(self._blank, end_s=max(at_s, self._blank.end_s))

    def _judge(self, window: _Window) -> Iterator[KeyFrame]:
        flat = window.sharpness < FLAT
        if self._waiting is not None and not flat and not self._is_new(window.best.at_s, window.seen):
            return
        yield from self._ended(window.start_s)
        if flat:
            self._blank = self._blank or KeyFrame(start_s=window.start_s, end_s=window.best.at_s, look=window.best)
            return
        self._found = True
        self._waiting = window.start_s, window.best
        self._taken.append((window.best.at_s, window.seen))

    def _is_new(self, at_s: float, seen: FloatArray) -> bool:
        last, _ = self._taken[-1]
        if at_s - last >= self.static_s:
            return True
        lately = [blocks for taken_s, blocks in self._taken if at_s - taken_s < LATELY_S] or [self._taken[-1][1]]
        motion = float(np.median(self._motion)) if self._motion else 0.0
        enough = min(max(_MOTION_FACTOR * motion, CHANGED_LEAST), CHANGED_MOST)
        return min(_changed(seen, blocks) for blocks in lately) > enough * len(lately)

    def _ended(self, at_s: float) -> Iterator[KeyFrame]:
        """What was shown until here."""
        if self._waiting is not None:
            start_s, look = self._waiting
            self._waiting = None
            del self._taken[:-16]
            yield KeyFrame(start_s=start_s, end_s=max(at_s, look.at_s), look=look)


def differs_much(left: Gray, right: Gray) -> bool:
    """Whether two frames have hardly anything in common: a look must not wait for its turn."""
    return float(np.abs(left.astype(np.int16) - right.astype(np.int16)).mean()) > 2 * _BRIGHTNESS_STEP


def _sharpness(small: Gray) -> float:
    import cv2

    return float(cv2.Laplacian(small, cv2.CV_32F).var())


def _blocks(small: Gray) -> FloatArray:
    """float32 [2, 9, 16]: mean brightness and mean gradient of each block."""
    import cv2

    across = cv2.Sobel(small, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(small, cv2.CV_32F, 0, 1)
    size = (_BLOCKS[1], _BLOCKS[0])
    edges = cv2.magnitude(across, down)
    brightness = cv2.resize(small.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.stack([brightness, cv2.resize(edges, size, interpolation=cv2.INTER_AREA) / 4]).astype(np.float32)


def _changed(left: FloatArray, right: FloatArray) -> float:
    steps = np.array([_BRIGHTNESS_STEP, _EDGES_STEP], np.float32)[:, None, None]
    return float((np.abs(left - right) > steps).any(axis=0).mean())
