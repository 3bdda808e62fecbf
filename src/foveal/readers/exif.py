"""What a camera wrote into a file: time, place, camera, orientation.

Tag numbers and formats: EXIF 2.32 (CIPA DC-008-2019), GPS attributes in its section 4.6.6. Whatever is malformed is
left out; nothing here raises on bad metadata.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

ORIENTATION = 0x0112
_MAKE, _MODEL, _DATE_TIME, _OFFSET = 0x010F, 0x0110, 0x0132, 0x9010
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_ORIGINAL = (0x9003, 0x9011)
_DIGITIZED = (0x9004, 0x9012)
_GPS_LATITUDE, _GPS_LONGITUDE, _GPS_TIME, _GPS_DATE = (1, 2), (3, 4), 7, 29
_CAMERA_MAX_CHARS = 100
_DATE = re.compile(r"(\d{4})[:\-/](\d\d)[:\-/](\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?")
_ZONE = re.compile(r"([+-])(\d\d):?(\d\d)$")

Tags = Mapping[int, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExifFacts:
    """As in `ImageFacts`; `orientation` is what is still to be applied, 1..8."""

    orientation: int = 1
    taken_at: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    camera: str | None = None


def read_exif(image: Image) -> ExifFacts:
    """Facts from an opened and loaded image (decoders that turn the pixels themselves clear the orientation)."""
    try:
        root = image.getexif()
        details, gps = root.get_ifd(_EXIF_IFD), root.get_ifd(_GPS_IFD)
    except (ValueError, TypeError, KeyError, IndexError, SyntaxError, OSError, OverflowError, struct.error):
        return ExifFacts()
    latitude, longitude = _place(gps)
    orientation = root.get(ORIENTATION)
    return ExifFacts(
        orientation=orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
        taken_at=_taken_at(root, details, gps),
        latitude=latitude,
        longitude=longitude,
        camera=_camera(root),
    )


def _taken_at(root: Tags, details: Tags, gps: Tags) -> datetime | None:
    """When the shutter opened, else when it was digitised, else the GPS clock, else the file's date.

    A clock without an offset is taken as UTC (`ImageFacts.taken_at`).
    """
    for date, offset in (_ORIGINAL, _DIGITIZED):
        if moment := _moment(details.get(date), details.get(offset)):
            return moment
    return _gps_moment(gps) or _moment(root.get(_DATE_TIME), details.get(_OFFSET))


def _moment(date: object, offset: object) -> datetime | None:
    found = _DATE.match(_text(date))
    if not found:
        return None
    zone: timezone = UTC
    if named := _ZONE.match(_text(offset)):
        minutes = int(named[2]) * 60 + int(named[3])
        if minutes < 24 * 60:
            zone = timezone(timedelta(minutes=minutes if named[1] == "+" else -minutes))
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
        moment.astimezone(UTC)
    except (ValueError, OverflowError):  # 0000:00:00, month 13, a year that UTC cannot hold
        return None
    return moment


def _gps_moment(gps: Tags) -> datetime | None:
    clock = _numbers(gps.get(_GPS_TIME), 3)
    if clock is None:
        return None
    hour, minute, second = (int(part) for part in clock)
    return _moment(f"{_text(gps.get(_GPS_DATE))} {hour:02}:{minute:02}:{second:02}", "+00:00")


def _place(gps: Tags) -> tuple[float, float] | tuple[None, None]:
    """WGS 84 degrees. Exactly 0, 0 is what devices write that do not know."""
    latitude = _degrees(gps, _GPS_LATITUDE, "S", 90.0)
    longitude = _degrees(gps, _GPS_LONGITUDE, "W", 180.0)
    if latitude is None or longitude is None or (latitude == 0.0 and longitude == 0.0):
        return None, None
    return latitude, longitude


def _degrees(gps: Tags, tags: tuple[int, int], negative: str, largest: float) -> float | None:
    reference, tag = tags
    parts = _numbers(gps.get(tag), 3)
    if parts is None:
        return None
    value = parts[0] + parts[1] / 60 + parts[2] / 3600
    if not 0 <= value <= largest:
        return None
    return round(-value if _text(gps.get(reference)).upper().startswith(negative) else value, 7)


def _numbers(value: object, count: int) -> tuple[float, ...] | None:
    """Rationals as floats; None when there are too few or one is not finite (a zero denominator)."""
    if not isinstance(value, (tuple, list)) or len(value) < count:
        return None
    try:
        numbers = tuple(float(part) for part in value[:count])
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return numbers if all(math.isfinite(n) and n >= 0 for n in numbers) else None


def _camera(root: Tags) -> str | None:
    make, model = (" ".join(_text(root.get(tag)).split()) for tag in (_MAKE, _MODEL))
    if make and model and make.split()[0].lower() == model.split()[0].lower():
        make = ""  # "Canon" and "Canon EOS 6D"
    return " ".join(filter(None, (make, model)))[:_CAMERA_MAX_CHARS] or None


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return "".join(c for c in value if c.isprintable()).strip() if isinstance(value, str) else ""
