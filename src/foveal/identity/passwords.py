"""Passwords: hashed with Argon2id, checked in the same time whether or not there is such a person.

The parameters are those of RFC 9106, section 4, second choice (64 MiB, 3 passes, 4 lanes), which are argon2-cffi's.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from foveal.errors import InvalidRequestError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST_CHARACTERS = 10
MOST_CHARACTERS = 256
"""Hashing takes time by the length: what nobody types is not hashed."""


def hashed(password: str) -> str:
    """A hash of a password, with its salt and parameters.

    Raises:
        InvalidRequestError: It is too short or too long (NIST SP 800-63B, section 5.1.1.2: length, not composition).
    """
    if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        raise InvalidRequestError(
            f"A password has {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters; this one has {len(password)}.",
            remedy="A few words that only you would put together are easy to keep and hard to guess.",
        )
    return _hasher().hash(password)


def matches(password: str, password_hash: str | None) -> bool:
    """Whether it is the password of that hash; None: of nobody, which takes as long to find out."""
    from argon2.exceptions import InvalidHashError, VerificationError

    if len(password) > MOST_CHARACTERS:
        return False
    try:
        return _hasher().verify(password_hash or _nobody(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def is_stale(password_hash: str) -> bool:
    """Whether it was made with other parameters than today's: then it is made again when the password is at hand."""
    return _hasher().check_needs_rehash(password_hash)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _nobody() -> str:
    import secrets

    return _hasher().hash(secrets.token_urlsafe(32))
