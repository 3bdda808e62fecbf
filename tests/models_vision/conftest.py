from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from foveal.models.cards import Card
from foveal.models.pull import ModelFolder
from foveal.types.vectors import Pixels


@pytest.fixture(scope="session")
def sample(pulled: Callable[[str], Card], model_folder: ModelFolder) -> Callable[[str], Pixels]:
    """A photograph of the demo's collection."""
    card = pulled("samples")

    def read(name: str) -> Pixels:
        with Image.open(model_folder.path(card, name)) as image:
            return np.array(image.convert("RGB"))

    return read
