"""A form of files as it comes in: each file goes to the disk at once, and what is said of them is kept for the end."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

from fastapi import Request

from foveal.api.crowd import Threads
from foveal.api.native.multipart import PartBegan, PartData, PartEnded, parts
from foveal.api.native.upload_schemas import MAX_DESCRIPTION
from foveal.errors import AssetError, ConflictError, FovealError, InvalidRequestError, RequestError, TooLargeError
from foveal.pipeline.uploads import Receiving, Uploads
from foveal.types.uploads import UploadDraft

FIELDS = frozenset({"index", "source", "group", "description", "replace", "start"})
BLOCK_BYTES = 2**20
"""Bytes between two writes to the disk."""
MAX_WORDS_BYTES = 16 * 2**20
"""Longest metadata file; 10,000 descriptions of 1,600 characters."""
REFUSALS = (RequestError, AssetError)
"""What is wrong with one file, and leaves the others as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormLimits:
    """Most bytes and most files of one form."""

    request_bytes: int
    files: int


@dataclass(slots=True)
class SentFile:
    """One file of a form: on the disk, or refused."""

    name: str
    receiving: Receiving | None = None
    refusal: FovealError | None = None


@dataclass(slots=True)
class Form:
    """Everything in a form.

    Attributes:
        fields: Values by name, in order.
        files: In order.
        words: Name and bytes of files with descriptions.
    """

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: list[SentFile] = field(default_factory=list)
    words: list[tuple[str, bytes]] = field(default_factory=list)

    def one(self, name: str) -> str:
        """The last value of a field, empty when there is none."""
        return self.fields.get(name, [""])[-1].strip()

    def flag(self, name: str, *, default: bool) -> bool:
        """A field that is on or off.

        Raises:
            InvalidRequestError: It is neither.
        """
        value = self.one(name).lower()
        if value in {"true", "1", "yes", "on"}:
            return True
        if value in {"false", "0", "no", "off"}:
            return False
        if value:
            raise InvalidRequestError(f"The field {name} is neither true nor false.")
        return default

    def description(self, number: int) -> str:
        """The words on the file of that number."""
        given = self.fields.get("description", [])
        return given[number] if number < len(given) else ""

    def abandon(self) -> None:
        """Give up every file that was not kept; no file does harm that another request gave up already."""
        for sent in self.files:
            if sent.receiving is not None:
                with suppress(FovealError):
                    sent.receiving.abandon()


async def read_form(request: Request, uploads: Uploads, threads: Threads, limits: FormLimits) -> Form:
    """Everything in a request's form; the files are on the disk then.

    Raises:
        InvalidRequestError: It is no form, has a field that is not known, or too many files.
        TooLargeError: It is too long.
    """
    form = Form()
    try:
        await _read(request, form, uploads, threads, limits)
        _check(form)
    except BaseException:
        form.abandon()
        raise
    return form


async def _read(request: Request, form: Form, uploads: Uploads, threads: Threads, limits: FormLimits) -> None:
    write: Callable[[bytes], None] = _nothing_of
    end: Callable[[], None] = _nothing
    block = bytearray()
    async with aclosing(parts(request, limit_bytes=limits.request_bytes)) as events:
        async for event in events:
            if isinstance(event, PartBegan):
                write, end = await threads.run(_begun, form, uploads, limits, event)
                continue
            if isinstance(event, PartData):
                block += event.data
                if len(block) < BLOCK_BYTES:
                    continue
            if block:
                await threads.run(write, bytes(block))
                block.clear()
            if isinstance(event, PartEnded):
                end()


def _begun(
    form: Form, uploads: Uploads, limits: FormLimits, part: PartBegan
) -> tuple[Callable[[bytes], None], Callable[[], None]]:
    """What takes the bytes of a part, and what its end does."""
    if part.filename is None:
        if part.name not in FIELDS:
            raise InvalidRequestError(
                f"There is no field {part.name[:80]!r}.", remedy=f"There are {', '.join(sorted(FIELDS))}, and files."
            )
        kept = _Kept(MAX_DESCRIPTION * 4, f"The field {part.name}")
        return kept.write, lambda: form.fields.setdefault(part.name, []).append(kept.text())
    name = part.filename
    if _has_words(part):
        words = _Kept(MAX_WORDS_BYTES, name)
        return words.write, lambda: form.words.append((name, bytes(words.data)))
    if not name:  # a form's file field that was left empty
        return _nothing_of, _nothing
    if len(form.files) >= limits.files:
        raise InvalidRequestError(f"A request has {limits.files} files at most.", remedy="Send the rest in another.")
    sent = SentFile(name)
    form.files.append(sent)
    try:
        sent.receiving = uploads.receive(uploads.begin(UploadDraft(path=name)))
    except REFUSALS as error:
        sent.refusal = error
    return lambda data: _write(sent, data), _nothing


def _write(sent: SentFile, data: bytes) -> None:
    if sent.refusal is not None or sent.receiving is None:
        return
    try:
        sent.receiving.write(data)
    except ConflictError:
        raise
    except REFUSALS as error:
        sent.refusal = error


def _has_words(part: PartBegan) -> bool:
    name = posixpath.basename((part.filename or "").lower())
    return part.name == "metadata" or (name.startswith("metadata") and name.endswith(".json"))


def _check(form: Form) -> None:
    if not form.files and not form.words:
        raise InvalidRequestError("There is no file in the form.", remedy="Send some: curl -F files=@a.jpg.")
    if len(form.fields.get("description", [])) > len(form.files):
        raise InvalidRequestError("There are more descriptions than files.", remedy="The nth belongs to the nth file.")
    long = [words for words in form.fields.get("description", []) if len(words) > MAX_DESCRIPTION]
    if long:
        raise InvalidRequestError(f"A description is longer than {MAX_DESCRIPTION} characters.")


class _Kept:
    """A short part, in memory."""

    def __init__(self, limit_bytes: int, what: str) -> None:
        self._limit_bytes = limit_bytes
        self._what = what
        self.data = bytearray()

    def write(self, data: bytes) -> None:
        self.data += data
        if len(self.data) > self._limit_bytes:
            raise TooLargeError(f"{self._what} is longer than {self._limit_bytes} bytes.")

    def text(self) -> str:
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidRequestError(f"{self._what} is not UTF-8.") from None


def _nothing() -> None:
    return None


def _nothing_of(_: bytes) -> None:
    return None
