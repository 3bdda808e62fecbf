"""Files that come over a network: fetched as far as they are read, and kept, so that they can be read again.

A file is held in memory up to 8 MiB, in a temporary file beyond that: memory stays flat however large it is. Who looks
at the first bytes only (to tell a file's type) fetches the first piece only.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import BinaryIO

IN_MEMORY_BYTES = 8 * 2**20
FIRST_PIECE_BYTES = 64 * 2**10
PIECE_BYTES = 2**20


def spooled(pieces: Iterator[bytes]) -> BinaryIO:
    """A seekable file over pieces of bytes. Errors of the iterator come through its reads."""
    return io.BufferedReader(_Spooled(pieces), FIRST_PIECE_BYTES)


class _Spooled(io.RawIOBase):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces: Iterator[bytes] | None = pieces
        self._kept = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - closed with this
        self._fetched = 0
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            self._fetch(None)
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._fetched}[whence]
        if start + offset < 0:
            raise ValueError("a place before the first byte")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        self._fetch(self._position + len(buffer))
        self._kept.seek(self._position)
        data = self._kept.read(len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._pieces = None
            self._kept.close()
        super().close()

    def _fetch(self, end: int | None) -> None:
        """Have the first `end` bytes, or all."""
        while self._pieces is not None and (end is None or self._fetched < end):
            piece = next(self._pieces, None)
            if piece is None:
                self._pieces = None
                return
            self._kept.seek(0, io.SEEK_END)
            self._kept.write(piece)
            self._fetched += len(piece)
