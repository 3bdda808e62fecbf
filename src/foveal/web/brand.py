"""How the pages are called and look: title, logo, colours, words of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from foveal.errors import SettingsError

LOGO_TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp", ".jpg": "image/jpeg"}
MOST_LOGO_BYTES = 512 * 2**10
BRAND_CSS, BRAND_LOGO = "/brand.css", "/brand-logo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """What makes the pages somebody's own.

    Attributes:
        colour: `#rrggbb`, of buttons and links on light pages; empty: the product's.
        colour_dark: The same on dark pages; empty: as `colour`.
        welcome: In place of the words of the empty chat.
        disclaimer: Below the field for questions.
        logo: A picture and its media type.
    """

    title: str = "Foveal"
    colour: str = ""
    colour_dark: str = ""
    welcome: str = ""
    disclaimer: str = ""
    logo: tuple[bytes, str] | None = None

    def css(self) -> str:
        """A style sheet that sets the colours, with writing on them that can be read."""
        if not self.colour:
            return ""
        light, dark = self.colour, self.colour_dark or self.colour
        return (
            f":root {{ --accent: light-dark({light}, {dark}); "
            f"--accent-ink: light-dark({ink_on(light)}, {ink_on(dark)}); "
            f"--accent-soft: color-mix(in srgb, light-dark({light}, {dark}) 16%, var(--panel)); }}\n"
        )


def ink_on(colour: str) -> str:
    """Black or white, whichever contrasts more (WCAG 2.2, relative luminance)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000000"


def read_logo(path: str) -> tuple[bytes, str] | None:
    """A logo and its media type; None for no path.

    Raises:
        SettingsError: It cannot be read, is too large or of another type.
    """
    if not path:
        return None
    file = Path(path)
    media_type = LOGO_TYPES.get(file.suffix.lower())
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"The logo {path} cannot be read: {error.strerror}.", remedy="Correct web.logo.") from None
    if media_type is None or len(data) > MOST_LOGO_BYTES:
        raise SettingsError(f"The logo {path} will not do.", remedy="Give an SVG, PNG, WebP or JPEG of 512 KB at most.")
    return data, media_type
