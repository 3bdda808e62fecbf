"""Uploads of a home, assembled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from foveal.pipeline.uploads import UploadLimits, Uploads
from foveal.types.assets import MediaKind, Sniffed
from foveal.types.ingestions import AssetFailure

if TYPE_CHECKING:
    from foveal.runtime.parts import Parts
    from foveal.settings import Settings


def uploads_of(parts: Parts) -> Uploads:
    """What is done with uploads."""
    from foveal.readers.sniffing import sniff

    return Uploads(
        parts.upload_store,
        parts.sources,
        derived=parts.derived,
        catalog=parts.catalog,
        sniff=sniff,
        limits=limits_of(parts.settings),
        read_words=read_words,
    )


def limits_of(settings: Settings) -> UploadLimits:
    """What may be sent, by the settings."""
    return UploadLimits(
        image_bytes=settings.limits.image_bytes,
        document_bytes=settings.limits.document_bytes,
        file_bytes=settings.uploads.file_bytes,
        kept_for=timedelta(hours=settings.uploads.unfinished_hours),
    )


def limit_of(settings: Settings) -> Callable[[Sniffed], int | None]:
    """Most bytes of a file of a kind that a plan looks at, as the readers have it; None where they have none."""
    limits = settings.limits

    def of(sniffed: Sniffed) -> int | None:
        if sniffed.kind is MediaKind.IMAGE:
            return limits.image_bytes
        if sniffed.kind is MediaKind.TEXT:
            plain = sniffed.media_type in {"text/plain", "text/markdown"}
            return limits.text_bytes if plain else limits.document_bytes
        return None

    return of


def read_words(name: str, data: bytes, paths: Sequence[str]) -> tuple[Mapping[str, str], tuple[AssetFailure, ...]]:
    """Descriptions in the bytes of a JSON or CSV file, by path, and what could not be used.

    Raises:
        InvalidRequestError: It is neither.
    """
    from foveal.sources.descriptions import read_descriptions

    found = read_descriptions(name, data, paths)
    return found.by_path, found.failures
