"""Whatever fsspec opens: `s3://` (with s3fs), `gs://` (with gcsfs), `memory://`, `file://` and many more.

What a file system calls its own change mark decides what is read again: an entity tag or a generation where there is
one, else modification time and length.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from foveal.errors import InvalidRequestError, SourceUnusableError, UnreadableAssetError
from foveal.sources.spooled import FIRST_PIECE_BYTES, PIECE_BYTES, spooled
from foveal.types.assets import SourceItem
from foveal.types.sources import Credential

PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}
"""What has to be installed beside fsspec."""
TAGS = ("ETag", "etag", "md5Hash", "generation", "checksum", "md5", "sha256")
TIMES = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")

_FOREIGN = (
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("gcsfs.retry", "HttpError"),
    ("google.auth.exceptions", "GoogleAuthError"),
    ("aiohttp", "ClientError"),
)
"""Errors of file systems that are none of the operating system's, by module; found where that module is loaded."""


def checked_url(url: str) -> str:
    """A URL as it is kept and shown, without a slash at its end.

    Raises:
        InvalidRequestError: It has no scheme, or a password or a signature in it.
    """
    parsed = urlsplit(url.strip())
    if not parsed.scheme or "://" not in url:
        raise InvalidRequestError(f"{url[:100]!r} is no address.", remedy="It looks like s3://BUCKET/FOLDER.")
    if "@" in parsed.netloc or parsed.query:
        raise InvalidRequestError(
            "An address with a password or a signature in it would be kept and shown.",
            remedy="Leave it out, and give it as options: a credential of kind options.",
        )
    return url.strip().rstrip("/")


class FsspecSource:
    """Files below a URL; see `foveal.ports.Source`.

    Args:
        url: As `checked_url` gives it.
        credential: Of kind `options`; None: what the environment says.
    """

    def __init__(self, url: str, credential: Credential | None = None) -> None:
        self._url = url
        self._credential = credential

    @property
    def name(self) -> str:
        """The URL."""
        return self._url

    def items(self) -> Iterator[SourceItem]:
        """Files in code-point order of their paths below the URL.

        Raises:
            SourceUnusableError: It cannot be listed, or there is nothing of that name: an emptied bucket is not told
                from one that is gone, and forgetting everything is not undone easily.
        """
        files = self._files
        try:
            files.invalidate_cache()
            found = files.find(self._root, detail=True)
        except _errors() as error:
            raise self._unusable(error) from None
        if not found:
            raise SourceUnusableError(
                f"There is nothing at {self._url}.", remedy="Check the bucket and the folder.", reason="not_found"
            )
        yield from sorted((self._item(path, info) for path, info in found.items()), key=lambda item: item.path)

    def open(self, item: SourceItem) -> BinaryIO:
        """The bytes of one file, fetched as far as they are read.

        Raises:
            UnreadableAssetError: It vanished or may not be read.
            SourceUnusableError: The service cannot be reached.
        """
        if ".." in item.path.split("/"):
            raise UnreadableAssetError(f"{item.path} leads out of {self._url}.", stage="fetch")
        pieces = self._pieces(item)
        first = next(pieces, b"")  # one that vanished is told here
        return spooled(_ahead(first, pieces))

    def _pieces(self, item: SourceItem) -> Iterator[bytes]:
        try:
            with self._files.open(self._place(item.path), "rb") as file:
                size = FIRST_PIECE_BYTES
                while piece := file.read(size):
                    yield piece
                    size = PIECE_BYTES
        except (FileNotFoundError, IsADirectoryError):
            raise UnreadableAssetError(f"{item.path} is not there any more.", stage="fetch") from None
        except PermissionError:
            raise UnreadableAssetError(f"{item.path} may not be read.", stage="fetch") from None
        except _errors() as error:
            raise self._unusable(error) from None

    def _place(self, path: str) -> str:
        return self._root if self._is_file else f"{self._root.rstrip('/')}/{path}"

    def _item(self, path: str, info: Mapping[str, Any]) -> SourceItem:
        root = self._root.rstrip("/") + "/"
        size = int(info.get("size") or 0)
        modified_at = next((moment for key in TIMES if (moment := _moment(info.get(key)))), None)
        tag = next((str(info[key]) for key in TAGS if info.get(key)), "")
        return SourceItem(
            path=path.removeprefix(root) if path.startswith(root) else path.rpartition("/")[2],
            size_bytes=size,
            version=tag or f"{modified_at.isoformat() if modified_at else ''}-{size}",
            modified_at=modified_at,
        )

    def _unusable(self, error: BaseException) -> SourceUnusableError:
        if isinstance(error, FileNotFoundError):
            return SourceUnusableError(
                f"There is nothing at {self._url}.", remedy="Check the bucket and the folder.", reason="not_found"
            )
        if isinstance(error, PermissionError):
            return SourceUnusableError(
                f"{self._url} may not be read with these credentials.",
                remedy="Give others with `foveal source credential`.",
                reason="denied",
            )
        if isinstance(error, TypeError):
            return SourceUnusableError(
                f"{self._url} is not opened with these options.", remedy="Check their names in the package's manual."
            )
        return SourceUnusableError(
            f"{self._url} cannot be reached ({type(error).__name__}).",
            remedy="Check the address, the network and the credentials.",
            reason="unreachable",
        )

    @cached_property
    def _is_file(self) -> bool:
        try:
            return bool(self._files.isfile(self._root))
        except _errors():
            return False

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        scheme = urlsplit(self._url).scheme
        try:
            # An instance of its own: fsspec would keep one, and the credentials in it, for the life of the process.
            files, root = url_to_fs(self._url, skip_instance_cache=True, **self._options())
        except ImportError:
            package = PACKAGES.get(scheme, "the package that fsspec names for it")
            raise SourceUnusableError(
                f"Reading {scheme}:// needs a package that is not installed.",
                remedy=f"pip install {package}",
                reason="missing_package",
            ) from None
        except _errors() as error:
            raise InvalidRequestError(
                f"{self._url} cannot be opened ({type(error).__name__}).", remedy="Check its scheme and the options."
            ) from None
        return files, root

    @property
    def _files(self) -> Any:
        return self._opened[0]

    @property
    def _root(self) -> str:
        return str(self._opened[1])

    def _options(self) -> dict[str, Any]:
        if self._credential is None:
            return {}
        return checked_options(self._credential.secret.reveal)


def checked_options(text: str) -> dict[str, Any]:
    """Options of fsspec from JSON.

    Raises:
        InvalidRequestError: It is no JSON object.
    """
    try:
        options = json.loads(text)
    except (ValueError, RecursionError):
        options = None
    if not isinstance(options, dict):
        raise InvalidRequestError("The options are no JSON object.", remedy='Such as {"key": "…", "secret": "…"}.')
    return options


def _ahead(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, tz=UTC)
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def _errors() -> tuple[type[BaseException], ...]:
    """What file systems raise: the operating system's errors, wrong options, and their libraries' own."""
    foreign = (getattr(sys.modules.get(module), name, None) for module, name in _FOREIGN)
    return (OSError, ValueError, TypeError, *(error for error in foreign if isinstance(error, type)))
