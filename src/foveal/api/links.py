"""Addresses of this server's own pages of an image or document, for replies, and the signatures they carry.

A signature binds the path (index, chunk, and whether the file or a picture of it), every parameter, the expiry and
the groups of the caller who was given the link. It adds to the key that opens the address; it replaces the key only
where the operator says so (`serve.open_links`). An address without a signature is an ordinary request.

The signature is HMAC-SHA256 (RFC 2104) over the path and the sorted parameters, base64url without padding.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import Request

from foveal.api.boxes import boxes_text
from foveal.errors import ForbiddenError
from foveal.types.chunks import Chunk
from foveal.types.locators import Box

LINKS = "foveal.links"
"""Where a request's scope has its `Links`, put there by the gate."""
EXPIRES, GROUPS, SIGNATURE = "expires", "groups", "signature"
BOXED_PX = 640
"""Long side of a picture with boxes."""
LIFETIME_S = 24 * 3600
STEP_S = 3600
"""Expiry is rounded up to it: links given within an hour are equal, so that caches and streamed replies agree."""

_PURPOSE = b"foveal byte link 1"
_ASK_AGAIN = "Repeat the question or the search: its reply has a fresh one."


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLink:
    """What a valid signature vouches for.

    Attributes:
        groups: Of the caller who was given the link, as in `Query.groups`.
    """

    groups: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSigner:
    """Signs addresses and checks them.

    Attributes:
        secret: 32 random bytes, the same in all processes that serve one home.
        now: Unix time in seconds.
    """

    secret: bytes = field(repr=False)
    now: Callable[[], float] = time.time

    def query(self, path: str, groups: tuple[str, ...] | None, parameters: dict[str, str]) -> str:
        """The query of a signed address: `parameters`, expiry, groups, signature.

        Args:
            path: Decoded, from its first slash.
        """
        expires = (int(self.now()) // STEP_S + 1) * STEP_S + LIFETIME_S
        pairs = [*parameters.items(), (EXPIRES, str(expires))]
        if groups is not None:
            pairs.append((GROUPS, _encoded(json.dumps(list(groups)).encode())))
        return urlencode([*pairs, (SIGNATURE, self._sign(path, pairs))])

    def check(self, path: str, query: str) -> SignedLink | None:
        """What the address's signature vouches for; None when it carries none.

        Raises:
            ForbiddenError: It was changed, or it expired.
        """
        pairs = parse_qsl(query, keep_blank_values=True)
        signatures = [value for name, value in pairs if name == SIGNATURE]
        if not signatures:
            return None
        signed = [(name, value) for name, value in pairs if name != SIGNATURE]
        expected = self._sign(path, signed)
        if len(signatures) != 1 or not hmac.compare_digest(expected.encode(), signatures[0].encode()):
            raise ForbiddenError("This link was changed: its signature does not fit.", remedy=_ASK_AGAIN)
        return self._vouched(dict(signed))

    def _vouched(self, parameters: dict[str, str]) -> SignedLink:
        expires = int(parameters.get(EXPIRES, "0"))
        if self.now() >= expires:
            when = datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%d %H:%M UTC")
            raise ForbiddenError(f"This link expired on {when}.", remedy=_ASK_AGAIN)
        groups = parameters.get(GROUPS)
        return SignedLink(groups=None if groups is None else tuple(json.loads(_decoded(groups))))

    def _sign(self, path: str, pairs: list[tuple[str, str]]) -> str:
        message = b"\n".join([_PURPOSE, quote(path).encode(), urlencode(sorted(pairs)).encode()])
        return _encoded(hmac.digest(self.secret, message, sha256))


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Builds addresses on the name the caller used.

    Attributes:
        base: Such as `http://127.0.0.1:8808`, without a last slash.
        signer: None: addresses carry no signature.
        groups: Of the caller, bound into signatures.
    """

    base: str
    signer: LinkSigner | None = None
    groups: tuple[str, ...] | None = None

    @classmethod
    def of(cls, request: Request) -> Links:
        """On the address this request came to, signed for its caller where the gate says how."""
        base = str(request.base_url).rstrip("/")
        known: object = request.scope.get(LINKS)
        return cls(base=base, signer=known.signer, groups=known.groups) if isinstance(known, Links) else cls(base=base)

    def chunk(self, index: str, chunk: Chunk) -> str:
        """Everything known of a chunk. Not signed: it is for programs."""
        return f"{self.base}/v1/indexes/{quote(index, safe='')}/chunks/{quote(chunk.chunk_id, safe='')}"

    def bytes(self, index: str, chunk: Chunk) -> str:
        """The file it is from, at the place where browsers open it: of a PDF the page (RFC 8118, section 3), of a video
        or a recording the second (W3C Media Fragments 1.0, section 4.2.1).
        """
        return self._signed(index, chunk, "bytes", {}) + _place(chunk)

    def thumbnail(self, index: str, chunk: Chunk, **parameters: str) -> str:
        """A small picture; for images and moments of videos only.

        Args:
            parameters: Of the picture, as its route takes them.
        """
        return self._signed(index, chunk, "thumbnail", parameters)

    def boxed(self, index: str, chunk: Chunk, boxes: Sequence[Box]) -> str:
        """A picture with boxes drawn on it; for images only."""
        return self.thumbnail(index, chunk, size=str(BOXED_PX), box=boxes_text(boxes))

    def _signed(self, index: str, chunk: Chunk, kind: str, parameters: dict[str, str]) -> str:
        if self.signer is None:
            query = urlencode(parameters)
        else:
            path = f"/v1/indexes/{index}/chunks/{chunk.chunk_id}/{kind}"
            query = self.signer.query(path, self.groups, parameters)
        return f"{self.chunk(index, chunk)}/{kind}" + (f"?{query}" if query else "")


def _place(chunk: Chunk) -> str:
    if chunk.kind.has_timeline and chunk.locator.start_ms:
        return f"#t={chunk.locator.start_ms // 1000}"
    page = chunk.locator.page if chunk.media_type == "application/pdf" else None
    return f"#page={page}" if page else ""


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
