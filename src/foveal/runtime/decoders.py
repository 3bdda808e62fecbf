"""What turns bytes into content, under the limits that the settings give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foveal.runtime.made_once import Made, made_once

if TYPE_CHECKING:
    from foveal.ports.sources import Fetcher, Reader
    from foveal.readers.image import ImageReader
    from foveal.readers.limits import Limits
    from foveal.readers.video import VideoReader


class Decoders(Made):
    """The readers, and what brings images to them."""

    @made_once
    def limits(self) -> Limits:
        """Limits of decoding."""
        from foveal.readers.limits import Limits

        limits = self.settings.limits
        return Limits(
            max_image_bytes=limits.image_bytes,
            max_text_bytes=limits.text_bytes,
            max_pixels=limits.pixels,
            max_document_bytes=limits.document_bytes,
            max_inflated_bytes=limits.inflated_bytes,
            max_document_pages=limits.document_pages,
            max_pictures=limits.pictures,
            max_document_seconds=limits.document_seconds,
            max_pages=limits.pages,
            max_seconds=limits.seconds,
            max_video_seconds=self.settings.video.seconds,
        )

    @made_once
    def image_reader(self) -> ImageReader:
        """Decodes images."""
        from foveal.readers.image import ImageReader

        return ImageReader(self.limits)

    @made_once
    def video_reader(self) -> VideoReader:
        """Decodes videos and recordings."""
        from foveal.readers.video import VideoReader

        return VideoReader(self.limits, static_seconds=self.settings.video.static_seconds)

    @made_once
    def readers(self) -> tuple[Reader, ...]:
        """Reads every type of file that is read."""
        from foveal.readers.docx import DocxReader
        from foveal.readers.html import HtmlReader
        from foveal.readers.pdf import PdfReader
        from foveal.readers.pptx import PptxReader
        from foveal.readers.text import TextReader
        from foveal.readers.xlsx import XlsxReader

        limits, images = self.limits, self.image_reader
        return (
            images,
            TextReader(limits),
            HtmlReader(limits),
            PdfReader(limits),
            DocxReader(limits, images),
            PptxReader(limits, images),
            XlsxReader(limits),
            self.video_reader,
        )

    def reader(self, media_type: str) -> Reader:
        """The one that reads a type."""
        return next((r for r in self.readers if media_type in r.media_types), self.image_reader)

    @made_once
    def fetcher(self) -> Fetcher:
        """Brings images that requests give by address."""
        from foveal.readers.sniffing import sniff
        from foveal.sources.public_addresses import Allowed
        from foveal.sources.web import WebFetcher

        fetch = self.settings.fetch
        return WebFetcher(
            sniff=sniff, allowed=Allowed.of(fetch.allowed), max_bytes=fetch.max_bytes, seconds=fetch.seconds
        )
