"""The simple and the full (Lucene) query syntax of Azure AI Search.

Sources: "Simple query syntax in Azure AI Search" and "Lucene query syntax in Azure AI Search" (Microsoft); operators of
the simple syntax bind from left to right, as in Lucene's `SimpleQueryParser`; clauses of the full syntax become `must`,
`should` and `must_not` as in Lucene's classic `QueryParser`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from foveal.errors import InvalidRequestError
from foveal.types.documents import Everything, MatchKind, TextClauses, TextLeaf, TextMatch, TextQuery

MAX_DEPTH = 50
MAX_CLAUSES = 1_024
"""Lucene's `maxClauseCount`, which is Azure's limit too."""

SearchMode = Literal["any", "all"]
_BLANK = " \t\r\n\u3000"


def parse_simple(text: str, mode: SearchMode = "any") -> TextQuery:
    """A query in the simple syntax; never fails over signs: what is no operator is a word.

    Raises:
        InvalidRequestError: Over a limit.
    """
    if text.strip() in ("", "*"):
        return Everything()
    return _Simple(text, mode).parse()


def parse_full(text: str, mode: SearchMode = "any", searchable: Collection[str] = ()) -> TextQuery:
    """A query in the full Lucene syntax.

    Args:
        searchable: Fields that may be named before a colon.

    Raises:
        InvalidRequestError: It does not parse, names an unknown field, is over a limit, or uses ranges, proximity or
            regular expressions, which are not served.
    """
    if text.strip() in ("", "*", "*:*"):
        return Everything()
    return _Full(text, mode, frozenset(searchable)).parse()


def words_leaf(text: str, mode: SearchMode) -> TextLeaf:
    """Plain words."""
    return TextLeaf(match=TextMatch(kind=MatchKind.ALL if mode == "all" else MatchKind.ANY, text=text))


class _Limits:
    def __init__(self) -> None:
        self._clauses = 0
        self._depth = 0

    def clause(self) -> None:
        self._clauses += 1
        if self._clauses > MAX_CLAUSES:
            raise InvalidRequestError(f"The query has more than {MAX_CLAUSES} clauses.", remedy="Ask for fewer words.")

    def deeper(self, by: int) -> None:
        self._depth += by
        if self._depth > MAX_DEPTH:
            raise InvalidRequestError(f"The query is nested deeper than {MAX_DEPTH} levels.")


class _Simple:
    """One pass over the characters."""

    def __init__(self, text: str, mode: SearchMode) -> None:
        self._text = text
        self._mode = mode
        self._at = 0
        self._limits = _Limits()

    def parse(self) -> TextQuery:
        parts: list[TextQuery] = []
        while self._at < len(self._text):
            found = self._sequence()
            if found is not None:
                parts.append(found)
            self._at += 1  # a closing parenthesis too many
        return _combined("all" if self._mode == "all" else "any", parts) if parts else TextClauses()

    def _sequence(self) -> TextQuery | None:
        """Operands joined from left to right, up to a closing parenthesis or the end."""
        left: TextQuery | None = None
        joint: SearchMode | None = None
        while self._at < len(self._text) and self._text[self._at] != ")":
            sign = self._text[self._at]
            if sign in _BLANK:
                self._at += 1
            elif sign in "+|":
                joint = "all" if sign == "+" else "any"
                self._at += 1
            else:
                operand = self._operand()
                if operand is not None:
                    left = operand if left is None else _combined(joint or self._mode, [left, operand])
                    joint = None
        return left

    def _operand(self) -> TextQuery | None:
        self._limits.clause()
        negated = False
        while self._peek() == "-":
            negated = not negated
            self._at += 1
        match self._peek():
            case "(":
                found = self._group()
            case '"':
                found = self._phrase()
            case "" | " " | "\t" | "\r" | "\n" | ")":
                return None  # a lone minus
            case _:
                found = self._term()
        return TextClauses(must_not=(found,)) if negated and found is not None else found

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _group(self) -> TextQuery | None:
        self._limits.deeper(1)
        self._at += 1
        found = self._sequence()
        self._at += 1
        self._limits.deeper(-1)
        return found

    def _phrase(self) -> TextQuery | None:
        end = self._at + 1
        while end < len(self._text) and self._text[end] != '"':
            end += 2 if self._text[end] == "\\" else 1
        text = _unescaped(self._text[self._at + 1 : end])
        self._at = end + 1
        return TextLeaf(match=TextMatch(kind=MatchKind.PHRASE, text=text)) if text.strip() else None

    def _term(self) -> TextQuery | None:
        start = self._at
        while self._at < len(self._text) and self._text[self._at] not in f'{_BLANK}+|()"':
            self._at += 2 if self._text[self._at] == "\\" else 1
        if self._at == start:  # a sign that starts nothing
            self._at += 1
            return None
        raw = self._text[start : self._at]
        if raw == "*":
            return Everything()
        if raw.endswith("*") and not raw.endswith("\\*"):
            return TextLeaf(match=TextMatch(kind=MatchKind.PREFIX, text=_unescaped(raw[:-1])))
        return words_leaf(_unescaped(raw), self._mode)


def _combined(joint: SearchMode, parts: list[TextQuery]) -> TextQuery:
    """Parts joined; equal joints are flattened and neighbouring plain words become one match."""
    if len(parts) == 1:
        return parts[0]
    flat: list[TextQuery] = []
    for part in parts:
        inner = _operands_of(part, joint)
        for one in inner:
            if flat and (merged := _merged(flat[-1], one, joint)) is not None:
                flat[-1] = merged
            else:
                flat.append(one)
    if len(flat) == 1:
        return flat[0]
    return TextClauses(must=tuple(flat)) if joint == "all" else TextClauses(should=tuple(flat))


def _operands_of(part: TextQuery, joint: SearchMode) -> tuple[TextQuery, ...]:
    if isinstance(part, TextClauses) and part.boost == 1.0 and not part.must_not:
        if joint == "all" and part.must and not part.should:
            return part.must
        if joint == "any" and part.should and not part.must:
            return part.should
    return (part,)


def _merged(left: TextQuery, right: TextQuery, joint: SearchMode) -> TextQuery | None:
    # Not with `all`: each of those words may stand in another field.
    if joint == "all" or not (isinstance(left, TextLeaf) and isinstance(right, TextLeaf)):
        return None
    same = left.fields == right.fields and left.boost == right.boost == 1.0
    if not same or {left.match.kind, right.match.kind} != {MatchKind.ANY}:
        return None
    return replace(left, match=replace(left.match, text=f"{left.match.text} {right.match.text}"))


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


# --- the full syntax --------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<phrase>"(?:[^"\\]|\\.)*")
    | (?P<and>AND\b|&&) | (?P<or>OR\b|\|\|) | (?P<not>NOT\b|!)
    | (?P<plus>\+) | (?P<minus>-) | (?P<open>\() | (?P<close>\))
    | (?P<boost>\^\d+(?:\.\d+)?) | (?P<fuzzy>~\d*(?:\.\d+)?)
    | (?P<regex>/(?:[^/\\]|\\.)+/) | (?P<range>[\[{])
    | (?P<field>[A-Za-z]\w*(?:/\w+)*):
    | (?P<term>(?:[^\s+!(){}\[\]^"~:\\/&|-]|\\.|(?<=\S)[-+/&|:]|[&|/](?=\S))+)
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


@dataclass(slots=True)
class _Clause:
    """One clause of a sequence and how it counts."""

    query: TextQuery
    occurs: Literal["must", "should", "must_not"]


class _Full:
    """Recursive descent with one token of lookahead."""

    def __init__(self, text: str, mode: SearchMode, searchable: frozenset[str]) -> None:
        self._text = text
        self._mode = mode
        self._searchable = searchable
        self._at = 0
        self._limits = _Limits()
        self._next = self._read()

    def parse(self) -> TextQuery:
        found = self._sequence(())
        if self._next.kind != "end":
            raise self._wrong(f"Unexpected {self._next.text!r}")
        return found

    def _read(self) -> _Token:
        match = _TOKEN.match(self._text, self._at)
        if match is None or match.lastgroup is None:
            raise InvalidRequestError(
                f"The Lucene query cannot be read at character {self._at + 1}.",
                remedy='Escape signs with a backslash, or use queryType "simple".',
            )
        self._at = match.end()
        return _Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup) + 1)

    def _take(self) -> _Token:
        token, self._next = self._next, (self._read() if self._next.kind != "end" else self._next)
        return token

    def _wrong(self, what: str) -> InvalidRequestError:
        return InvalidRequestError(
            f"{what} at character {self._next.at} of the Lucene query.",
            remedy='Escape signs with a backslash, or use queryType "simple".',
        )

    def _sequence(self, fields: tuple[str, ...]) -> TextQuery:
        clauses: list[_Clause] = []
        while self._next.kind not in ("end", "close"):
            joint = self._take().kind if self._next.kind in ("and", "or") else ""
            if joint and not clauses:
                raise self._wrong("An operand is missing")
            self._clause(clauses, joint, fields)
        if not clauses:
            return TextClauses()
        return _clauses_query(clauses)

    def _clause(self, clauses: list[_Clause], joint: str, fields: tuple[str, ...]) -> None:
        """Read one clause and weigh it against the one before, as Lucene's classic parser does."""
        self._limits.clause()
        sign = self._take().kind if self._next.kind in ("plus", "minus", "not") else ""
        query = self._operand(fields)
        if joint == "and" and clauses[-1].occurs == "should":
            clauses[-1].occurs = "must"
        if joint == "or" and self._mode == "all" and clauses[-1].occurs == "must":
            clauses[-1].occurs = "should"
        if sign in ("minus", "not"):
            occurs: Literal["must", "should", "must_not"] = "must_not"
        elif sign == "plus" or joint == "and" or (self._mode == "all" and joint != "or"):
            occurs = "must"
        else:
            occurs = "should"
        clauses.append(_Clause(query, occurs))

    def _operand(self, fields: tuple[str, ...]) -> TextQuery:
        token = self._take()
        match token.kind:
            case "field":
                if token.text not in self._searchable:
                    raise InvalidRequestError(
                        f"The Lucene query names {token.text!r}, which is not a searchable field.",
                        remedy=f"Searchable fields are {', '.join(sorted(self._searchable))}; escape a colon with \\:.",
                    )
                return self._operand((token.text,))
            case "open":
                self._limits.deeper(1)
                found = self._sequence(fields)
                self._limits.deeper(-1)
                if self._next.kind != "close":
                    raise self._wrong("A closing parenthesis is missing")
                self._take()
                return self._boosted(found)
            case "phrase":
                return self._phrase(token, fields)
            case "term":
                return self._term(token, fields)
            case "regex" | "range":
                what = "Regular expressions are" if token.kind == "regex" else "Ranges are"
                raise InvalidRequestError(
                    f"{what} not served in Lucene queries (character {token.at}).",
                    remedy="Use wildcards, or a filter for ranges.",
                )
        raise InvalidRequestError(
            f"Expected a word at character {token.at} of the Lucene query but found "
            f"{'its end' if token.kind == 'end' else repr(token.text)}.",
            remedy='Escape signs with a backslash, or use queryType "simple".',
        )

    def _phrase(self, token: _Token, fields: tuple[str, ...]) -> TextQuery:
        if self._next.kind == "fuzzy":
            raise InvalidRequestError(
                f"Proximity search is not served (character {self._next.at} of the Lucene query).",
                remedy='Join the words with AND instead of "…"~n.',
            )
        text = _unescaped(token.text[1:-1])
        return self._boosted(TextLeaf(match=TextMatch(kind=MatchKind.PHRASE, text=text), fields=fields))

    def _term(self, token: _Token, fields: tuple[str, ...]) -> TextQuery:
        if token.text == "*":
            return Everything()
        if self._next.kind == "fuzzy":
            edits = self._edits(self._take())
            match = TextMatch(kind=MatchKind.FUZZY, text=_unescaped(token.text), edits=edits)
        elif re.search(r"(?<!\\)[*?]", token.text):
            match = TextMatch(kind=MatchKind.PATTERN, text=token.text)
        else:
            return self._boosted(replace(words_leaf(_unescaped(token.text), self._mode), fields=fields))
        return self._boosted(TextLeaf(match=match, fields=fields))

    def _edits(self, token: _Token) -> int:
        edits = float(token.text[1:] or 2)
        if edits not in (0, 1, 2):
            raise InvalidRequestError(
                f"Fuzzy search at character {token.at} of the Lucene query allows 0 to 2 edits, not {token.text[1:]}."
            )
        return int(edits)

    def _boosted(self, query: TextQuery) -> TextQuery:
        if self._next.kind != "boost" or isinstance(query, Everything):
            return query
        return replace(query, boost=float(self._take().text[1:]))


def _clauses_query(clauses: list[_Clause]) -> TextQuery:
    if len(clauses) == 1 and clauses[0].occurs != "must_not":
        return clauses[0].query
    must = tuple(c.query for c in clauses if c.occurs == "must")
    should = tuple(c.query for c in clauses if c.occurs == "should")
    must_not = tuple(c.query for c in clauses if c.occurs == "must_not")
    if must and not should and not must_not:
        return _combined("all", list(must))
    if should and not must and not must_not:
        return _combined("any", list(should))
    return TextClauses(must=must, should=should, must_not=must_not)
