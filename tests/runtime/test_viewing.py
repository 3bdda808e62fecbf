"""Pictures for looking at: boxes are drawn where they are."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from foveal.runtime.viewing import boxed, label, outline
from foveal.types.locators import Box
from foveal.types.vectors import Pixels


def grey() -> Image.Image:
    return Image.new("RGB", (320, 160), (128, 128, 128))


def changed(picture: Image.Image) -> Pixels:
    """Where a picture is no longer grey."""
    return np.abs(np.asarray(picture, np.int16) - 128).max(axis=2) > 60


def test_a_box_is_outlined_and_its_inside_stays() -> None:
    out = io.BytesIO()
    grey().save(out, "JPEG", quality=95)
    with Image.open(io.BytesIO(boxed(out.getvalue(), [Box(x=0.25, y=0.25, width=0.5, height=0.5)]))) as picture:
        assert picture.size == (320, 160)
        marked = changed(picture)
    assert marked[38:43, 80:240].any(axis=0).all()
    assert marked[40:120, 238:243].any(axis=1).all()
    assert not marked[50:110, 90:230].any()
    assert not marked[:30].any()


def test_an_outline_over_the_edge_stays_in_the_picture() -> None:
    picture = grey()
    outline(picture, ((-0.5, -0.5), (1.5, -0.5), (1.5, 1.5), (-0.5, 1.5)))
    marked = changed(picture)
    assert marked[0].all()
    assert marked[:, -1].all()


def test_a_name_stands_in_the_corner() -> None:
    picture = grey()
    label(picture, "dog", (0.5, 0.5))
    rows, columns = np.nonzero(changed(picture))
    assert rows.min() >= 80
    assert columns.min() >= 160
