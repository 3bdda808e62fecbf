"""Array aliases. Shapes and units stand in the docstring of whoever returns one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
"""float32 of any shape."""

Pixels = npt.NDArray[np.uint8]
"""uint8 [height, width, 3], RGB, upright (EXIF orientation applied), sRGB."""

Samples = npt.NDArray[np.int16]
"""int16 [n], sound of one channel, 16,000 samples a second."""

SAMPLE_RATE = 16_000
"""Samples of a second."""
