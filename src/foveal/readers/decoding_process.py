"""Decoding of images in processes of their own (`foveal.readers.child_process`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import cast

import numpy as np

from foveal.readers.child_process import Ask, ChildProcesses, Message, Program, serve
from foveal.readers.decoding import DecodedImage, decode_images
from foveal.readers.exif import ExifFacts
from foveal.readers.limits import Limits

_LARGE_PIXELS = 16_000_000


class DecodingProcesses:
    """Decodes images in processes of their own."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._processes = ChildProcesses(
            Program(
                module=__name__,
                thing="image",
                max_seconds=limits.max_seconds,
                max_memory_bytes=limits.max_memory_bytes,
                slow_remedy="Save the image anew, or raise limits.seconds.",
            )
        )

    def decode(self, data: bytes, media_type: str) -> Iterator[DecodedImage]:
        """As `foveal.readers.decoding.decode_images`, and within the time limit.

        Raises:
            UnreadableAssetError: Nothing can be saved of it, or the decoder crashed.
            AssetLimitError: Too many pixels, too much memory or too much time.
        """
        job: Message = {"limits": asdict(self._limits), "media_type": media_type}
        for item, raw in self._processes.run(job, data):
            yield _image_from(item, raw)


def _image_from(facts: Message, raw: bytes) -> DecodedImage:
    exif = cast("dict[str, object]", facts.pop("exif"))
    taken_at = exif.pop("taken_at")
    return DecodedImage(
        pixels=np.frombuffer(raw, np.uint8).reshape(cast("list[int]", facts.pop("shape"))),
        exif=ExifFacts(taken_at=datetime.fromisoformat(str(taken_at)) if taken_at else None, **exif),  # type: ignore[arg-type]
        warnings=tuple(cast("list[str]", facts.pop("warnings"))),
        **facts,  # type: ignore[arg-type]
    )


def _message_of(image: DecodedImage, *, last: bool) -> Message:
    exif = asdict(image.exif)
    exif["taken_at"] = image.exif.taken_at.isoformat() if image.exif.taken_at else None
    return {
        "width_px": image.width_px,
        "height_px": image.height_px,
        "page": image.page,
        "frame_count": image.frame_count,
        "warnings": list(image.warnings),
        "exif": exif,
        "shape": list(image.pixels.shape),
        "last": last,
    }


def _images(job: Message, data: bytes, ask: Ask) -> Iterator[tuple[Message, memoryview]]:
    limits = Limits(**cast("dict[str, object]", job["limits"]))  # type: ignore[arg-type]
    media_type = str(job["media_type"])
    last = media_type != "image/tiff"  # the only type of which several images are read

    def before(pixels: int) -> None:
        if pixels > _LARGE_PIXELS:
            ask()

    for image in decode_images(data, media_type, limits, before):
        yield _message_of(image, last=last), image.pixels.reshape(-1).data


def main() -> None:
    """The child's end."""
    _load_decoders()
    serve(_images)


def _load_decoders() -> None:
    """Before the clock starts and memory is limited."""
    import pi_heif  # noqa: F401 - to be loaded, not used
    import PIL.Image
    import PIL.ImageCms

    PIL.Image.init()
    PIL.Image.MAX_IMAGE_PIXELS = None  # ours is checked by `decode_images`
