"""Language of a text: by its script where a script has one language, else by py3langid (naive Bayes over byte n-grams,
M. Lui and T. Baldwin, "langid.py", ACL 2012). The model (5 MB) is loaded at the first text that needs it.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_SAMPLE_CHARS = 2_000
_MIN_LETTERS = 12
_MIN_PROBABILITY = 0.5
_SCRIPT_SHARE = 0.3
"""More than this of the letters in a script: it is a text of that script, whatever else stands in it."""

_LOCK = threading.Lock()

# Blocks of the Unicode Standard 15.1 whose script is used by one language, or by one far more than by others.
_ONE_LANGUAGE = (
    (0x0E00, 0x0E7F, "th"),
    (0x0E80, 0x0EFF, "lo"),
    (0x1000, 0x109F, "my"),
    (0x1780, 0x17FF, "km"),
    (0x10A0, 0x10FF, "ka"),
    (0x0530, 0x058F, "hy"),
    (0x0590, 0x05FF, "he"),
    (0x0370, 0x03FF, "el"),
    (0x0B80, 0x0BFF, "ta"),
    (0x0C00, 0x0C7F, "te"),
    (0x0C80, 0x0CFF, "kn"),
    (0x0D00, 0x0D7F, "ml"),
    (0x0D80, 0x0DFF, "si"),
    (0x0A80, 0x0AFF, "gu"),
    (0x0A00, 0x0A7F, "pa"),
    (0x0980, 0x09FF, "bn"),
    (0x1200, 0x137F, "am"),
    (0x1100, 0x11FF, "ko"),
    (0x3130, 0x318F, "ko"),
    (0xAC00, 0xD7AF, "ko"),
    (0x3040, 0x30FF, "ja"),
    (0x4E00, 0x9FFF, "zh"),
    (0x3400, 0x4DBF, "zh"),
)
_RUSSIAN = frozenset("абвгдеёжзийклмнопрстуфхцчшщъыьэюя")
_RUSSIAN_OWN = frozenset("ыэё")
"""Of the languages written with Russian letters alone only Russian has these; Bulgarian has none of them."""
_KANA_SHARE = 0.05
"""Japanese is mostly written in Chinese characters; this much kana among them tells it apart."""


def detect_language(text: str) -> str:
    """ISO 639-1 code; empty when the text is too short to tell, or the model is less than half sure."""
    letters = [c for c in text[:_SAMPLE_CHARS] if c.isalpha()]
    if not letters:
        return ""
    if by_script := _by_script(letters):
        return by_script
    if len(letters) < _MIN_LETTERS:
        return ""
    with _LOCK:
        identifier = _identifier()
    language, probability = identifier.classify(text[:_SAMPLE_CHARS])
    return str(language) if probability >= _MIN_PROBABILITY and len(language) == 2 else ""


def _by_script(letters: list[str]) -> str:
    counts: dict[str, int] = {}
    for c in letters:
        if c < "\u0370":
            continue
        for first, last, language in _ONE_LANGUAGE:
            if first <= ord(c) <= last:
                counts[language] = counts.get(language, 0) + 1
                break
    kana, han = counts.get("ja", 0), counts.get("zh", 0)
    if kana > _KANA_SHARE * (kana + han):
        counts["ja"] = kana + counts.pop("zh", 0)
    if _is_russian(letters):
        return "ru"
    best = max(counts, key=lambda language: counts[language], default="")
    return best if best and counts[best] >= _SCRIPT_SHARE * len(letters) else ""


def _is_russian(letters: list[str]) -> bool:
    """Mostly Cyrillic, no letter that Russian lacks, and one that its neighbours lack."""
    cyrillic = [c.lower() for c in letters if "\u0400" <= c <= "\u04ff"]
    found = frozenset(cyrillic)
    return len(cyrillic) >= _SCRIPT_SHARE * len(letters) and found <= _RUSSIAN and bool(found & _RUSSIAN_OWN)


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
