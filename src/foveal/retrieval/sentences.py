"""Sentences and terms of any language, by small rules.

Sentences follow the idea of UAX #29 (a terminator, closing marks, then a blank and no lower-case letter) with what it
leaves to tailoring: abbreviations and initials do not end a sentence, nor does the dot of a day's number; scripts
without blanks end sentences at their own full stops; Thai, Lao, Khmer and Burmese, which mostly write none, are cut
at blanks once a stretch is long enough. Terms are word stems, or short runs of characters where words are not spaced.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from foveal.retrieval.intent_words import SPACED, UNSPACED_QUESTION_WORDS

Span = tuple[int, int]
"""`(start, end)` in code points, end excluded."""

_LONGEST = 600
"""Characters; a longer "sentence" (a table, a list without stops) is cut at blanks."""
_UNSPACED_SENTENCE = 110
"""Characters after which a blank may end a sentence in scripts that write no full stop."""
_ENDS: Final = re.compile(
    r"(?P<stop>[.!?…‽]+[\"'”’»)\]]*(?=\s|$))"
    r"|(?P<wide>[。！？｡．]+[」』”’）》]*)"
    r"|(?P<other>[।॥؟۔።།]+)"
    r"|(?P<break>[ \t]*\n[ \t]*(?:\n\s*|(?=[-*•#>|]|\d+[.)]\s)))"
)
_BLANK: Final = re.compile(r"\s+")
_ABBREVIATION_LIST: Final = (
    "mr mrs ms dr prof sr sra srta jr st vs etc e.g i.e no vol fig ca cf approx inc ltd co corp dept est gen lt sgt "
    "rev "
    "z.b d.h u.a bzw usw nr str evtl ggf bspw hr fr abs art ing dipl vgl inkl jh v.chr n.chr "
    "ej ud uds pág av dña d.c a.c ee.uu m mm mme mlle p.ex env s.a sig dott ecc pag ex p.e jan feb mar apr jun jul aug "
    "sep sept oct okt nov dec dez г гг т.е т.д т.п им ул др"
)
_ABBREVIATIONS: Final = frozenset(_ABBREVIATION_LIST.split())
_ASKING_LIST: Final = (
    "photo photos photograph photographs picture pictures pic pics image images show shows showing shown find search "
    "foto fotos bild bilder aufnahme aufnahmen zeig zeige zeigt zeigen finde suche imagen imágenes fotografía "
    "fotografías "
    "muestra muestran muéstrame busca encuentra image images photographie montre montrent trouve immagine immagini "
    "fotografia fotografie mostra mostrano mostrami imagem imagens mostre afbeelding afbeeldingen toon laat "
    "фото фотография фотографии картинка картинки снимок снимки покажи найди صورة صور أظهر तस्वीर तस्वीरें फोटो दिखाओ"
)
_ASKING: Final = frozenset(_ASKING_LIST.split())
"""Words that ask for pictures rather than say of what; words of a question, never of a document."""
_ASKING_UNSPACED: Final = ("รูปภาพ", "ภาพถ่าย", "ภาพ", "รูป", "แสดง", "照片", "图片", "写真", "画像", "見せて", "给我看")
_DIGITS_BEFORE_DOT: Final = 2
"""A dot after a number this short counts its thing (German "3. Mai"), unless a blank line follows."""
_UNSPACED: Final = (("\u0e00", "\u0eff"), ("\u1000", "\u109f"), ("\u1780", "\u17ff"), ("\u3040", "\u30ff"),
                    ("\u3400", "\u9fff"), ("\uf900", "\ufaff"))  # fmt: skip
_NO_FULL_STOP: Final = (("\u0e00", "\u0eff"), ("\u1000", "\u109f"), ("\u1780", "\u17ff"))
_ENDINGS: Final = (
    "ungen", "ments", "ning", "ment", "ings", "ando", "endo", "iert", "ing", "ung", "est", "ern", "ies", "ment",
    "ado", "ada", "ido", "ida", "ed", "es", "en", "er", "em", "et", "os", "as", "ar", "ir", "ez", "e", "s", "n", "a",
    "o", "y", "ая", "ые", "ый", "ий", "ой", "ого", "ов", "ам", "ах", "ей", "ы", "и", "а", "е", "у", "о", "я",
)  # fmt: skip
_ALPHABETIC_GRAM = 4
_IDEOGRAPHIC_GRAM = 2
"""Characters of a term where words are not spaced, about a word's length: in Thai and its like, in Han and kana."""
_STEM = 4
"""Letters a stem keeps at least."""
_SIBILANT_PLURALS: Final = ("sses", "shes", "ches", "xes", "zes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One term and where it stands in the text (code points)."""

    text: str
    start: int
    end: int


def sentences(text: str) -> list[Span]:
    """Spans of the sentences, in order, without the blanks around them; none of blank text.

    They do not overlap and cover everything but blanks.
    """
    spans: list[Span] = []
    start = 0
    for match in _ENDS.finditer(text):
        if match["stop"] and not _ends_sentence(text, start, match):
            continue
        spans.extend(_pieces(text, start, match.end()))
        start = match.end()
    spans.extend(_pieces(text, start, len(text)))
    return spans


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    rest = text[match.end() : match.end() + 8].lstrip()
    if rest and rest[0].islower():
        return False
    if match["stop"][0] != "." or len(match["stop"]) > 1:
        return True
    before = text[max(start, match.start() - 12) : match.start()]
    word = before.split()[-1].lstrip("(\"'“‘«[") if before.split() else ""
    if "\n" in text[match.end() : match.end() + 1] or not rest:
        return True
    if word.isdigit():
        return len(word) > _DIGITS_BEFORE_DOT
    initial = len(word) == 1 and word.isalpha() and word.isupper()
    return not initial and word.casefold() not in _ABBREVIATIONS


def _pieces(text: str, start: int, end: int) -> Iterator[Span]:
    """The stretch stripped, cut where it is too long or its script writes no full stops."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    begin = start
    for blank in _BLANK.finditer(text, start, end):
        length = blank.start() - begin
        unstopped = _in(text[blank.start() - 1], _NO_FULL_STOP) and end - blank.end() >= _UNSPACED_SENTENCE // 2
        if length >= _LONGEST or (length >= _UNSPACED_SENTENCE and unstopped):
            yield begin, blank.start()
            begin = blank.end()
    while end - begin > 2 * _LONGEST:
        yield begin, begin + _LONGEST
        begin += _LONGEST
    if begin < end:
        yield begin, end


def terms(text: str) -> list[str]:
    """Terms of a text in order, with repeats: see `term_spans`."""
    return [term.text for term in term_spans(text)]


def content_terms(text: str) -> list[str]:
    """Distinct terms of a question that say what it is about, in order.

    Left out, unless nothing else is there, is what `telling_words` leaves out.
    """
    return list(dict.fromkeys(terms(telling_words(text)) or terms(text)))


def telling_words(text: str) -> str:
    """A question without function words of its language and words that ask for pictures ("show me photos of"); maybe
    nothing. Where words are not spaced, a blank stands for each that is left out.
    """
    words = [unicodedata.normalize("NFKC", word.group()).casefold() for word in _words(text)]
    language = max(SPACED.values(), key=lambda known: sum(word in known.function_words for word in words))
    kept = " ".join(word for word in words if word not in language.function_words and word not in _ASKING)
    for particle in (*UNSPACED_QUESTION_WORDS, *_ASKING_UNSPACED):
        kept = kept.replace(particle, " ")
    return kept


def term_spans(text: str) -> list[Term]:
    """Terms with their places: stems of words, folded by NFKC and case; runs of characters in unspaced scripts."""
    found: list[Term] = []
    for match in _words(text):
        start = match.start()
        for run in re.finditer(_RUNS, match.group()):
            begin, piece = start + run.start(), run.group()
            if not _in(piece[0], _UNSPACED):
                found.append(Term(text=_stem(piece), start=begin, end=begin + len(piece)))
                continue
            width = _ALPHABETIC_GRAM if _in(piece[0], _NO_FULL_STOP) else _IDEOGRAPHIC_GRAM
            for at in range(max(1, len(piece) - width + 1)):
                gram = unicodedata.normalize("NFKC", piece[at : at + width]).casefold()
                found.append(Term(text=gram, start=begin + at, end=begin + min(at + width, len(piece))))
    return found


def is_spaced(text: str) -> bool:
    """Whether a text begins in a script that writes blanks between words."""
    return not _in(text[0], _UNSPACED)


def highlights(text: str, question: str) -> tuple[Span, ...]:
    """Where a text has terms of the question (function words aside), in order; touching places are joined."""
    wanted = set(content_terms(question))
    joined: list[Span] = []
    for term in term_spans(text):
        if term.text not in wanted:
            continue
        if joined and term.start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], term.end))
        else:
            joined.append((term.start, term.end))
    return tuple(joined)


def _class(ranges: tuple[tuple[str, str], ...]) -> str:
    return "".join(f"{first}-{last}" for first, last in ranges)


_WORD: Final = re.compile(
    r"(?:[^\W_]|[\u0300-\u036f\u064b-\u065f\u0900-\u0dff\u0e31-\u0e4e\u1000-\u109f\u1780-\u17ff])+"
)
_RUNS: Final = re.compile(f"[{_class(_UNSPACED)}]+|[^{_class(_UNSPACED)}]+")


def _words(text: str) -> Iterator[re.Match[str]]:
    """Runs of letters, digits and the marks outside regular words (Indic and Thai vowel signs)."""
    return _WORD.finditer(text)


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    """A word folded and without one common ending of European languages, the longest that leaves a stem; of an English
    plural the stem of its singular.
    """
    folded = unicodedata.normalize("NFKC", word).casefold()
    if folded.endswith("ies") and len(folded) > len("ties"):
        return _stem(f"{folded[:-3]}y")
    if folded.endswith(_SIBILANT_PLURALS):
        return _stem(folded[:-2])
    for ending in _ENDINGS:
        least = _STEM - 1 if ending in {"s", "ing"} else _STEM
        if folded.endswith(ending) and len(folded) - len(ending) >= least:
            stem = folded.removesuffix(ending)
            if ending == "s":
                return folded if stem.endswith("s") else _stem(stem)
            doubled = len(stem) > _STEM - 1 and stem[-1] == stem[-2] and ending in {"ing", "ings", "ed", "er"}
            return stem[:-1] if doubled and stem[-1] not in "lsz" else stem
    return folded


def _in(character: str, ranges: tuple[tuple[str, str], ...]) -> bool:
    return any(first <= character <= last for first, last in ranges)
