"""Answers without a language model: the documents' own best sentences, quoted and cited.

Nothing is generated but the few words around the quotes, so nothing can be made up. Whose words they are is always
said: a person's description, a vision model's caption, or what Foveal detected in a photo.
"""

from __future__ import annotations

import asyncio
import bisect
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from foveal.models.evidence import Sentence, SentenceScorer
from foveal.models.extractive_phrases import Phrases, phrases
from foveal.models.relation_phrases import relation_phrases, said
from foveal.ports.models import TextEmbedder
from foveal.retrieval.asked_things import asked_things
from foveal.retrieval.intents import standalone_query
from foveal.retrieval.moments import clock, place_in_words
from foveal.retrieval.passages import joined_text
from foveal.retrieval.relation_questions import asks_for_relation
from foveal.retrieval.request_words import subject_of_request
from foveal.retrieval.strictness import CUTOFFS
from foveal.retrieval.tables import unfolded
from foveal.types.chat import ChatRequest, Document, Finished, FinishReason, Sampling, TextDelta
from foveal.types.chunks import Chunk, Feature
from foveal.types.content import Usage
from foveal.types.search import Leg
from foveal.types.speech import TimedText

NAME: Final = "foveal-extractive"
_ENOUGH: Final = 0.47
"""Least evidence of a quote: of XQuAD's questions with an answer 97 % get one, of others 7 % (mean of en, de, th)."""
_ENOUGH_ACROSS: Final = 0.30
"""Where question and document are in different languages and so share no words: 84 % and 15 % (German to English)."""
_NEARLY_AS_GOOD: Final = 0.85
"""Share of the best evidence from which further quotes are given."""
_OWN_WORDS: Final = 0.3
"""Weight of the sentence's own share of terms, when sentences of one document are compared."""
_MOST_SENTENCES: Final = 12
"""Embedded for one answer: most of its time. Of 70 XQuAD questions with five documents each, the same 80 % get the
right words with 12, 16, 24 and 64."""
_MOST_QUOTES: Final = 3
_MOST_PHOTOS: Final = 5
_MOST_LABELS: Final = 4
_MARK: Final = re.compile(r"\[(doc\d+)\]")
_BLANKS: Final = re.compile(r"\s+")
_WORD: Final = re.compile(r"\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Quote:
    """Something to say of one document; `evidence` orders them, `time` says when it is said."""

    number: int
    evidence: float
    whose: str
    text: str
    time: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A stretch of a document that may be quoted; of what is said, with the sentences that make up the text."""

    document: Document
    text: str
    whose: str
    language: str
    spoken: tuple[TimedText, ...] = ()


class ExtractiveAnswerer:
    """`ports.Answerer` over any text embedder.

    Args:
        embedder: Embeds question and sentences.
        detect_language: ISO 639-1 code of a text, empty when it cannot be told; chooses the words around quotes, and
            lets a quote in another language do with less evidence.
        count: Tokens of a text, for the usage.
    """

    def __init__(
        self,
        embedder: TextEmbedder,
        *,
        detect_language: Callable[[str], str] = lambda _: "",
        count: Callable[[str], int] = lambda text: len(text) // 4,
    ) -> None:
        self._scorer = SentenceScorer(embedder, most=_MOST_SENTENCES)
        self._detect_language = detect_language
        self._count = count

    @property
    def name(self) -> str:
        """Constant."""
        return NAME

    @property
    def sees(self) -> bool:
        """It does not."""
        return False

    @property
    def context_tokens(self) -> int:
        """It has no window; this many keeps an answer under a second."""
        return 16_000

    async def intents(self, request: ChatRequest) -> tuple[str, ...]:
        """The last question, completed from the history when it leans on it; then its subject, where it is a request.

        Both are searched: a text model finds some things better by the sentence, some by the bare subject. None where
        only the relation of an image is asked for.
        """
        question = request.messages[-1]
        if question.images and asks_for_relation(question.text):
            return ()
        query = standalone_query(request.messages) if question.text.strip() else ""
        return tuple(dict.fromkeys((query, subject_of_request(query)))) if query else ()

    async def answer(self, request: ChatRequest, documents: Sequence[Document]) -> AsyncIterator[TextDelta | Finished]:
        """Quotes line by line, or the refusal."""
        question = standalone_query(request.messages)
        language = self._detect_language(question) if question else "en"
        words = phrases(language)
        lines = _related(request, documents, language)
        if not lines:
            lines = await asyncio.to_thread(self._lines, question, documents, words)
        answered = bool(lines)
        if not answered:
            lines = [request.grounding.refusal if request.grounding.in_scope else words.nothing]
        said = "\n".join(lines)
        reason: FinishReason = "stop"
        if answered:  # clients match on the refusal: it is never cut
            said, reason = self._within(said, request.sampling)
        for piece in said.splitlines(keepends=True):
            yield TextDelta(text=piece)
        prompt = self._count("\n".join((question, *(document.text for document in documents))))
        usage = Usage(prompt_tokens=prompt, completion_tokens=self._count(said))
        yield Finished(reason=reason, usage=usage, answered=answered, model=NAME)

    def _within(self, text: str, sampling: Sampling) -> tuple[str, FinishReason]:
        """The text up to the first stop sequence, and of whole words up to the limit on tokens."""
        text = text[: min((at for stop in sampling.stop if stop and (at := text.find(stop)) >= 0), default=None)]
        limit = sampling.max_tokens
        if limit is None or self._count(text) <= limit:
            return text, "stop"
        ends = [word.end() for word in _WORD.finditer(text)]
        fitting = bisect.bisect_right(ends, limit, key=lambda end: self._count(text[:end]))
        return text[: ends[fitting - 1] if fitting else 0], "length"

    def _lines(self, question: str, documents: Sequence[Document], words: Phrases) -> list[str]:
        alike = [document for document in documents if _is_like_the_query(document)][:_MOST_PHOTOS]
        listed = {document.number for document in alike}
        asked = dict.fromkeys((question, subject_of_request(question))) if question else {}
        quotes = next(filter(None, (self._quotes(one, documents, words) for one in asked)), [])
        quotes = [quote for quote in quotes if quote.number not in listed]  # their line says all of their words
        quoted = [f"{_said(q.whose, q.text, words)}{q.time} [doc{q.number}]" for q in quotes]
        first_quoted = min((q.number for q in quotes), default=len(documents) + 1)
        things = asked_things(question)
        shown = [
            document
            for document in documents
            if document.number < first_quoted
            and document.number not in listed
            and (_is_surely_wordless(document) or things.confidence(document.hit.chunk) >= CUTOFFS[3])
        ]
        photos = [*alike, *shown][:_MOST_PHOTOS]
        if not photos:
            return quoted
        heading = words.photo if len(photos) == 1 else words.photos
        return [heading, *(_photo_line(document, words) for document in photos), *quoted]

    def _quotes(self, question: str, documents: Sequence[Document], words: Phrases) -> list[_Quote]:
        """The best sentence of each document that has enough evidence, best first, from the best documents."""
        sources = [source for document in documents for source in _sources(document, words)]
        asked = self._detect_language(question)
        best: dict[int, _Quote] = {}
        for sentence in self._scorer.weigh(question, [source.text for source in sources]):
            source = sources[sentence.passage]
            evidence = sentence.evidence + _OWN_WORDS * sentence.share
            number = source.document.number
            enough = _ENOUGH_ACROSS if asked and source.language and asked != source.language else _ENOUGH
            if sentence.evidence >= enough and (number not in best or evidence > best[number].evidence):
                best[number] = _Quote(
                    number=number,
                    evidence=evidence,
                    whose=source.whose,
                    text=_quoted(source.text, sentence),
                    time=_time(source, sentence.start),
                )
        ranked = sorted(best.values(), key=lambda quote: (-quote.evidence, quote.number))
        return [q for q in ranked[:_MOST_QUOTES] if q.evidence >= _NEARLY_AS_GOOD * ranked[0].evidence]


def _related(request: ChatRequest, documents: Sequence[Document], language: str) -> list[str]:
    """How the question's image relates to each document, where that is asked; empty where nothing relates."""
    question, words = request.messages[-1], relation_phrases(language)
    if not question.images or not asks_for_relation(question.text):
        return []
    lines = [
        f"- {document.hit.chunk.filepath} – {'; '.join(said(one, words) for one in document.relations)}"
        f" [doc{document.number}]"
        for document in documents
        if document.relations
    ]
    return [words.heading, *lines] if lines else []


def _sources(document: Document, words: Phrases) -> Iterator[_Source]:
    """What of a document can be quoted: of a photo each of its texts by itself, never what Foveal composed."""
    chunk = document.hit.chunk
    if chunk.sentences:
        said = tuple(s for s in chunk.sentences if s.text in document.text)  # what fitted the budget
        yield _Source(document=document, text=joined_text(said), whose="", language=chunk.language, spoken=said)
        return
    if chunk.feature is Feature.SCREEN_TEXT:
        whose = f"{place_in_words(chunk)}:"
        yield _Source(document=document, text=document.text, whose=whose, language=chunk.language)
        return
    if not chunk.is_picture:
        yield _Source(document=document, text=unfolded(document.text), whose="", language=chunk.language)
        return
    parts = (
        (chunk.description, words.description),
        (chunk.caption, words.caption),
        (chunk.ocr_text, chunk.filepath + ":"),
    )
    for text, whose in parts:
        if text.strip():
            yield _Source(document=document, text=text, whose=whose, language=chunk.language)


def _quoted(text: str, sentence: Sentence) -> str:
    return _one_line(text[sentence.start : sentence.end])


def _time(source: _Source, start: int) -> str:
    """` (00:42)`: when the sentence is said that begins there in the text; empty for what is not said."""
    at = 0
    for sentence in source.spoken:
        at = source.text.find(sentence.text, at)
        if start < at + len(sentence.text):
            return f" ({clock(sentence.start_ms)})"
        at += len(sentence.text)
    return ""


def _one_line(text: str) -> str:
    """A text on one line; marks that a document put there itself lose their brackets."""
    return _MARK.sub(r"\1", _BLANKS.sub(" ", text)).strip()


def _is_surely_wordless(document: Document) -> bool:
    """Whether search is sure enough of a photo without words by what it shows; words are quoted where they tell."""
    chunk = document.hit.chunk
    if not chunk.is_picture or chunk.description or chunk.caption:
        return False
    shown = [leg.confidence for leg in document.hit.legs if leg.leg is not Leg.KEYWORD] or [document.hit.confidence]
    return max(shown) >= CUTOFFS[3]


def _is_like_the_query(document: Document) -> bool:
    """Whether an image of the query found it: then it is an answer as a picture, whatever words it has."""
    hit = document.hit
    like = any(leg.leg is Leg.IMAGE and leg.confidence >= CUTOFFS[3] for leg in hit.legs)
    return hit.chunk.is_picture and like


def _photo_line(document: Document, words: Phrases) -> str:
    chunk = document.hit.chunk
    seen = ", ".join(_seen(chunk))
    facts = (
        _said(words.description, chunk.description, words),
        _said(words.caption, chunk.caption, words),
        f"{words.seen} {seen}" if seen else "",
        _said("", chunk.ocr_text, words),
    )
    said = "; ".join(fact for fact in facts if fact)
    return f"- {place_in_words(chunk)}{f' – {said}' if said else ''} [doc{document.number}]"


def _seen(chunk: Chunk) -> list[str]:
    """Labels of objects, then tags that are not among them; four at most."""
    labels: dict[str, str] = {}
    for label in (*(found.label for found in chunk.objects), *chunk.tags):
        labels.setdefault(label.casefold(), label)
    return list(labels.values())[:_MOST_LABELS]


def _said(whose: str, text: str, words: Phrases) -> str:
    """A text in quotation marks after whose words it is; empty when there is none."""
    line = _one_line(text)
    return f"{whose} {words.left}{line}{words.right}".lstrip() if line else ""
