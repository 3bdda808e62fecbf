"""Intent without a model: what to search for, given the conversation.

A follow-up ("and the second one?", "und im Winter?", "แล้วแมวล่ะ") says little by itself. When the last question is
elliptical or points back, the content words of the question before it are carried along. The rule is ours and
deliberately small: a wrong carry only adds words to a ranked search, a missed one loses the subject.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import groupby

from foveal.retrieval.intent_words import (
    LAST_WORDS,
    SPACED,
    UNSPACED_BACK_REFERENCES,
    UNSPACED_ENDINGS,
    UNSPACED_OPENINGS,
    UNSPACED_QUESTION_WORDS,
    WHOLE_QUESTIONS,
    LanguageWords,
)
from foveal.types.chat import Message

_QUESTIONS_BACK = 3
"""How far a chain of follow-ups is followed."""

_LONGEST_CONTINUATION = 4
_LONGEST_BACK_REFERENCE = 3
_LONGEST_FRAGMENT = 2
"""Content words of a question above which it stands by itself, by what makes it look like a follow-up."""

_LONGEST_UNSPACED = 24
"""The same in letters, for scripts without blanks."""

_UNSPACED_RANGES = (
    ("\u0e00", "\u0eff"),  # Thai, Lao
    ("\u1000", "\u109f"),  # Burmese
    ("\u1780", "\u17ff"),  # Khmer
    ("\u3040", "\u30ff"),  # kana
    ("\u3400", "\u9fff"),  # Han
)


def standalone_query(messages: Sequence[Message]) -> str:
    """A search query that says by itself what the last message of the user asks for.

    The question itself, followed by the content words that it leaves out when it is a follow-up. A language without a
    word list is searched as it is, but for questions of Thai, Chinese and Japanese with their commonest marks.

    Args:
        messages: Oldest first. Only what the user said counts, and what an earlier question was searched by.
    """
    said = [message for message in messages if message.role == "user" and message.text.strip() and not message.is_data]
    asked = said[-_QUESTIONS_BACK - 1 :]
    query = ""
    for message in asked:
        if message.searched and message is not asked[-1]:
            query = message.searched[0]
            continue
        question = message.text.strip()
        language = _language(f"{query} {question}")
        query = _completed(question, query, language) if query and _is_follow_up(question, language) else question
    return query


def _language(text: str) -> LanguageWords:
    """The words of the language of which most function words are in the text; English when there are none."""
    words = [word.casefold() for word in _words(text)]
    return max(SPACED.values(), key=lambda language: sum(word in language.function_words for word in words))


def _completed(question: str, earlier: str, language: LanguageWords) -> str:
    """The question and the content words of the earlier query which it does not have."""
    own = {word.casefold() for word in _words(question)}
    carried = [word for word in _content_words(earlier, language) if word.casefold() not in own]
    return " ".join((question, *carried))


def _is_follow_up(question: str, language: LanguageWords) -> bool:
    words = [word.casefold() for word in _words(question)]
    if any(map(_is_unspaced, question)):
        return _is_unspaced_follow_up("".join(words))
    content = len(_content_words(question, language))
    if content == 0:
        return True
    if any(tuple(words[:length]) in language.continuations for length in range(1, 6)):
        return content <= _LONGEST_CONTINUATION
    if words[0] in language.prepositions and not question.casefold().startswith(WHOLE_QUESTIONS):
        return content <= _LONGEST_FRAGMENT
    points_back = not language.back_references.isdisjoint(words) or words[-1] in LAST_WORDS
    return points_back and content <= _LONGEST_BACK_REFERENCE


def _is_unspaced_follow_up(text: str) -> bool:
    return len(text) <= _LONGEST_UNSPACED and (
        text.startswith(UNSPACED_OPENINGS)
        or text.endswith(UNSPACED_ENDINGS)
        or any(reference in text for reference in UNSPACED_BACK_REFERENCES)
    )


def _content_words(text: str, language: LanguageWords) -> list[str]:
    """Words that say what is asked for, as written, in order, each once."""
    found: dict[str, str] = {}
    for word in map(_without_question_words, _words(text)):
        if word and word.casefold() not in language.function_words:
            found.setdefault(word.casefold(), word)
    return list(found.values())


def _without_question_words(word: str) -> str:
    if any(map(_is_unspaced, word)):
        for particle in UNSPACED_QUESTION_WORDS:
            word = word.removesuffix(particle)
    return word


def _words(text: str) -> list[str]:
    """Runs of letters, their marks and digits (a regular expression's word would end at Thai vowel signs)."""
    runs = groupby(text, key=lambda character: unicodedata.category(character)[0] in "LMN")
    return ["".join(run) for is_word, run in runs if is_word]


def _is_unspaced(character: str) -> bool:
    return any(first <= character <= last for first, last in _UNSPACED_RANGES)
