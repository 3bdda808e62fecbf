"""A secret of a home: random bytes in a file that only its owner can read, made at first use."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from foveal.errors import StoreCorruptError, StoreError

SECRET_BYTES = 32


def read_or_make(path: Path, *, loss: str = "links given so far end, new ones work") -> bytes:
    """The 32 bytes in `path`. Several processes may make it at once: all get the same.

    Args:
        path: Where it is kept.
        loss: What ends when a file that is no secret any more is deleted.

    Raises:
        StoreError: It can be neither read nor made.
        StoreCorruptError: It holds something else.
    """
    try:
        if not path.exists():
            _make(path)
        secret = path.read_bytes()
    except OSError as error:
        raise StoreError(
            f"The secret in {path} cannot be used: {error.strerror}.", remedy="Give yourself access to that file."
        ) from None
    if len(secret) != SECRET_BYTES:
        raise StoreCorruptError(
            f"{path} does not hold a secret of {SECRET_BYTES} bytes.",
            remedy=f"Delete it: {loss}.",
        )
    return secret


def _make(path: Path) -> None:
    # Written whole under another name first (mode 0600 from the start), then linked: the first process wins.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
        path.hardlink_to(made)
    except FileExistsError:
        return
    finally:
        made.unlink()
