"""The pages and their addresses.

A page is a frame: it holds no data of anybody. Its modules fetch what they show from `/v1`, as any program does. So a
page needs no sign-in; what it asks for does, and a page that is told 401 goes to the sign-in page.

A new page: a row in `PAGES`, a template, a topic in every language of `words/`, its modules in `static/`.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from foveal.web.brand import BRAND_CSS, BRAND_LOGO, Brand
from foveal.web.catalogue import LANGUAGES, best_language, text, words
from foveal.web.statics import FOR_EVER, PREFIX, Statics

if TYPE_CHECKING:
    from jinja2 import Environment

THEMES = ("auto", "light", "dark")
LANGUAGE_COOKIE, THEME_COOKIE = "foveal_language", "foveal_theme"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types foveal",
    )
)
"""Nothing runs but our own files: no inline script or style, no address of elsewhere, no text made into markup except
by the one policy `foveal`, which takes what the server cleaned."""
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "no-cache",
    "vary": "accept-encoding, accept-language, cookie",
}
EMBEDDED_PATH, EMBED_SCRIPT = "/embed", "/embed.js"


def framed(origins: tuple[str, ...]) -> dict[str, str]:
    """The headers of a page that these origins may show in a frame."""
    policy = CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {' '.join(origins)}")
    kept = {
        name: value for name, value in HEADERS.items() if name not in {"x-frame-options", "cross-origin-opener-policy"}
    }
    return {**kept, "content-security-policy": policy}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page.

    Attributes:
        name: Of its template (`NAME.html`), its module (`NAME.js`) and its title (`page.NAME`).
        menu: Whether the navigation lists it.
        key: Letter that goes there after `g`.
        more: Whether its address goes on with the name of what it shows.
    """

    name: str
    path: str
    menu: bool = True
    key: str = ""
    more: bool = False

    def is_at(self, path: str) -> bool:
        """Whether that is its address."""
        return path.startswith(self.path) and len(path) > len(self.path) if self.more else path == self.path


PAGES = (
    Page(name="chat", path="/", key="c"),
    Page(name="gallery", path="/gallery", key="g"),
    Page(name="add", path="/add", key="a"),
    Page(name="jobs", path="/jobs", key="j"),
    Page(name="settings", path="/settings", key="s"),
    Page(name="sign-in", path="/sign-in", menu=False),
    Page(name="shared", path="/shared/", menu=False, more=True),
    Page(name="embedded", path=EMBEDDED_PATH, menu=False),
)
"""In the order of the navigation."""


class Site:
    """Renders the pages.

    Args:
        brand: How they look.
        framed_by: Origins of sites that may show the embedded chat in a frame; none: there is no such page.
    """

    def __init__(self, brand: Brand | None = None, *, framed_by: tuple[str, ...] = ()) -> None:
        self.brand = brand or Brand()
        self.framed_by = framed_by
        self.page = lru_cache(maxsize=256)(self._page)
        """A page in a language and a theme, as it is and packed with gzip: its length tells nothing secret."""

    @cached_property
    def statics(self) -> Statics:
        """Styles and scripts."""
        return Statics()

    def opens(self, path: str) -> bool:
        """Whether an address belongs to the frame, which holds no data and asks for no key."""
        own = {BRAND_CSS, BRAND_LOGO, EMBED_SCRIPT}
        return path.startswith(PREFIX) or path in own or any(page.is_at(path) for page in PAGES)

    @cached_property
    def _templates(self) -> Environment:
        from jinja2 import Environment, PackageLoader, StrictUndefined

        return Environment(
            loader=PackageLoader("foveal.web", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def _page(self, page: Page, language: str, theme: str) -> tuple[bytes, bytes]:
        rendered = self._templates.get_template(f"{page.name}.html").render(
            page=page,
            pages=[p for p in PAGES if p.menu],
            title=self.brand.title,
            brand=self.brand,
            language=language,
            languages=LANGUAGES,
            theme=theme,
            themes=THEMES,
            t=partial(text, language),
            static=self.statics.url,
            modules=self.statics.modules("base.js", f"{page.name}.js"),
            words=json.dumps(dict(words(language)), ensure_ascii=False).replace("<", "\\u003c"),
        )
        data = rendered.encode()
        return data, gzip.compress(data, mtime=0)


def router(site: Site) -> APIRouter:
    """Every page, and the static files."""
    routes = APIRouter(include_in_schema=False)
    for page in PAGES:
        path = page.path + "{rest}" if page.more else page.path
        routes.add_api_route(path, _shown(site, page), methods=["GET"], response_class=Response)

    @routes.get(BRAND_CSS)
    async def brand_css() -> Response:
        """The colours of one's own."""
        return Response(site.brand.css(), media_type="text/css", headers={"cache-control": "no-cache"})

    @routes.get(BRAND_LOGO)
    async def brand_logo() -> Response:
        """The logo of one's own. A drawing may hold scripts, which run nowhere: it is only shown as a picture."""
        if site.brand.logo is None:
            return Response(status_code=404)
        data, media_type = site.brand.logo
        headers = {"cache-control": "no-cache", "content-security-policy": "default-src 'none'; sandbox"}
        return Response(data, media_type=media_type, headers=headers)

    @routes.get(EMBED_SCRIPT)
    async def embed_script() -> Response:
        """What a page of another site loads to show the chat."""
        file = site.statics.find(site.statics.version, "embed.js")
        if file is None or not site.framed_by:
            return Response(status_code=404)
        headers = {"cache-control": "max-age=3600", "cross-origin-resource-policy": "cross-origin"}
        return Response(file.data, media_type=file.media_type, headers=headers)

    @routes.get(PREFIX + "{version}/{name:path}")
    async def static_file(request: Request, version: str, name: str) -> Response:
        """One static file."""
        file = site.statics.find(version, name)
        if file is None:
            return Response(status_code=404)
        headers = {"cache-control": FOR_EVER, "content-type": file.media_type, "vary": "accept-encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(file.packed, headers={**headers, "content-encoding": "gzip"})
        return Response(file.data, headers=headers)

    return routes


def _shown(site: Site, page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def show(request: Request) -> Response:
        language = best_language(request.headers.get("accept-language", ""), request.cookies.get(LANGUAGE_COOKIE, ""))
        theme = request.cookies.get(THEME_COOKIE, "")
        if page.path == EMBEDDED_PATH and not site.framed_by:
            return Response(status_code=404)
        body, packed = site.page(page, language, theme if theme in THEMES else "auto")
        headers = framed(site.framed_by) if page.path == EMBEDDED_PATH else HEADERS
        if "gzip" in request.headers.get("accept-encoding", ""):
            body, headers = packed, {**headers, "content-encoding": "gzip"}
        return Response(body, headers=headers, media_type="text/html; charset=utf-8")

    return show
