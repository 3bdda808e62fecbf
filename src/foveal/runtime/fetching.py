"""Images that requests give by address: fetched, then opened as if they had been sent."""

from __future__ import annotations

from collections.abc import Callable

from foveal.errors import ImageError, TooLargeError
from foveal.ports.sources import Fetcher
from foveal.sources.web import shown
from foveal.types.chat import ImageInput


def fetch_image(url: str, fetcher: Fetcher | None, open_image: Callable[[bytes], ImageInput]) -> ImageInput:
    """The image behind an address; messages name the address without its query.

    Raises:
        ImageError: It cannot be fetched or opened, or nothing is fetched here (no fetcher).
        TooLargeError: It is over a limit.
    """
    if fetcher is None:
        raise ImageError(
            f"The image is given by an address, {shown(url)}, and this server fetches none.",
            remedy="Send the image itself as a data URL: data:image/jpeg;base64,… The operator may set fetch.on.",
            reason="address",
        )
    data = fetcher.fetch_url(url)
    try:
        return open_image(data)
    except ImageError as error:
        raise ImageError(f"The image at {shown(url)}: {error.message}", remedy=error.remedy) from None
    except TooLargeError as error:
        raise TooLargeError(f"The image at {shown(url)}: {error.message}", remedy=error.remedy) from None
