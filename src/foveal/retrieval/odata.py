"""Parser of the OData filter dialect of Azure AI Search, checked against the fields' types while it reads.

Sources: "OData expression syntax reference for Azure AI Search" (grammar), "OData $filter syntax" (precedence: `not`
binds more tightly than comparisons, these than `and`, that than `or`), "OData comparison operators" (types, null,
NaN), "OData search.in function" (default delimiters space and comma), "OData full-text search functions",
"OData geo-spatial functions" (kilometres; no `eq` or `ne`), "Troubleshooting OData collection filters" (what a
lambda over strings may say), all by Microsoft.

A hand-written recursive descent: the `odata-query` package reads `not(…)`, `(…)and(…)` and leading blanks as
errors, splits names that begin with `any`, `all`, `null` or `true`, and has no positions to report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

from foveal.errors import FilterError
from foveal.retrieval.odata_checks import (
    Condition,
    Constant,
    Distance,
    Operand,
    Variable,
    check_lambda,
    collection_error,
    compare,
    compare_condition,
    compare_distance,
    constant,
    point,
    short,
    unknown_field,
)
from foveal.retrieval.odata_tokens import Token, TokenKind, tokens
from foveal.types.filters import (
    CHUNK_FIELDS,
    ITEM,
    AllItems,
    And,
    AnyItem,
    Comparison,
    Field,
    FieldType,
    Filter,
    Not,
    Operator,
    Or,
    SearchIn,
    SearchIsMatch,
)

MAX_CHARACTERS = 262_144
"""Longest filter: some 6,500 group ids of 36 characters in one `search.in`."""

MAX_DEPTH = 50
"""Deepest nesting of parentheses, `not` and lambdas."""

MAX_CLAUSES = 1_000
"""Most conditions in one filter; one `search.in` is one. Azure's guideline is "hundreds"."""

_MIRRORED: dict[str, Operator] = {"eq": "eq", "ne": "ne", "gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}


def parse_filter(text: str, fields: Mapping[str, Field] = CHUNK_FIELDS) -> Filter:
    """Parse and type-check one filter.

    Dates come out in UTC; a string stands for a date where a date field is compared. `true` and `false` become
    `And(())` and `Or(())`; `search.ismatchscoring` is read as `search.ismatch`, which names every searchable field
    when the filter names none.

    Raises:
        FilterError: It does not parse, names an unknown field (the message names its nearest neighbours), compares
            what cannot be compared, or is over a limit. The message says at which character.
    """
    if len(text) > MAX_CHARACTERS:
        raise FilterError(
            f"The filter has {len(text)} characters, the limit is {MAX_CHARACTERS}.",
            remedy="Use search.in for long lists of values.",
        )
    return _Parser(text, fields).parse()


class _Parser:
    """One token of lookahead over one filter."""

    def __init__(self, text: str, fields: Mapping[str, Field]) -> None:
        self._fields = fields
        self._tokens = tokens(text)
        self._next = next(self._tokens)
        self._depth = 0
        self._clauses = 0
        self._range_variable: str | None = None
        self._item_type = FieldType.STRING

    def parse(self) -> Filter:
        if self._sees(TokenKind.END):
            raise FilterError("The filter is empty.", remedy="Leave the filter out instead.")
        condition = self._or()
        if not self._sees(TokenKind.END):
            raise self._unexpected("'and', 'or' or the end of the filter")
        return condition.filter

    # --- reading tokens ---

    def _take(self) -> Token:
        token = self._next
        if token.kind is not TokenKind.END:
            self._next = next(self._tokens)
        return token

    def _sees(self, *kinds: TokenKind) -> bool:
        return self._next.kind in kinds

    def _accept(self, text: str) -> bool:
        """Take a keyword or a punctuation mark if it comes next."""
        found = self._next.text == text and self._next.kind in (TokenKind.NAME, TokenKind.PUNCTUATION)
        if found:
            self._take()
        return found

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._unexpected(repr(text))

    def _unexpected(self, wanted: str) -> FilterError:
        token = self._next
        found = token.kind.value if token.kind is TokenKind.END else repr(short(token.text))
        remedy = ""
        if token.text == "in":
            remedy = "Write search.in(field, 'a, b') to compare with a list."
        elif token.text.lower() in {"and", "or", "not", *_MIRRORED} and token.text != token.text.lower():
            remedy = "Operators are written in lower case."
        return FilterError(f"Expected {wanted} but found {found} at character {token.at} of the filter.", remedy=remedy)

    @contextmanager
    def _deeper(self, at: int) -> Iterator[None]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FilterError(f"The filter is nested deeper than {MAX_DEPTH} levels at character {at}.")
        yield
        self._depth -= 1

    # --- logic ---

    def _or(self) -> Condition:
        first = self._and()
        operands = [first.filter]
        while self._accept("or"):
            operands.append(self._and().filter)
        return first if len(operands) == 1 else Condition(filter=Or(operands=tuple(operands)), at=first.at)

    def _and(self) -> Condition:
        first = self._unary()
        operands = [first.filter]
        while self._accept("and"):
            operands.append(self._unary().filter)
        return first if len(operands) == 1 else Condition(filter=And(operands=tuple(operands)), at=first.at)

    def _unary(self) -> Condition:
        at = self._next.at
        if self._accept("not"):
            with self._deeper(at):
                return Condition(filter=Not(operand=self._negated().filter), at=at)
        left = self._operand()
        if self._sees(TokenKind.NAME) and self._next.text in _MIRRORED:
            return self._comparison(left)
        if self._sees(TokenKind.NAME) and self._next.text not in ("and", "or"):
            raise self._unexpected("an operator")
        return self._truth(left)

    def _negated(self) -> Condition:
        """What `not` applies to: it binds more tightly than comparisons."""
        if self._next.text == "not" and self._sees(TokenKind.NAME):
            return self._unary()
        condition = self._truth(self._operand(), negated=True)
        if self._sees(TokenKind.NAME) and self._next.text in _MIRRORED:
            raise FilterError(
                f"'not' at character {condition.at} binds more tightly than {self._next.text!r}.",
                remedy="Put the comparison in parentheses: not (field eq value).",
            )
        return condition

    def _truth(self, operand: Operand, *, negated: bool = False) -> Condition:
        """An operand that stands alone where a condition is wanted."""
        match operand:
            case Condition():
                return operand
            case Constant(value=bool(value)):
                return Condition(filter=And(operands=()) if value else Or(operands=()), at=operand.at)
            case Variable(type=FieldType.BOOLEAN):
                return self._clause(Comparison(field=operand.name, op="eq", value=True), operand.at)
            case Variable() if operand.type.item is not None:
                raise collection_error(operand)
            case Variable():
                shown = f"{operand.shown!r} at character {operand.at} is {operand.type.value}, not a condition."
                remedy = "Put the comparison after 'not' in parentheses." if negated else "Compare it with a value."
                raise FilterError(shown, remedy=remedy)
            case _:
                raise FilterError(f"The value at character {operand.at} of the filter is not a condition.")

    def _clause(self, filter_: Filter, at: int, *, call: bool = False) -> Condition:
        self._clauses += 1
        if self._clauses > MAX_CLAUSES:
            raise FilterError(
                f"The filter has more than {MAX_CLAUSES} conditions.", remedy="Use search.in for lists of values."
            )
        return Condition(filter=filter_, at=at, call=call)

    # --- comparisons ---

    def _comparison(self, left: Operand) -> Condition:
        operator = self._take()
        op = cast(Operator, operator.text)
        right = self._operand()
        if isinstance(left, Constant) and not isinstance(right, Constant):
            left, right, op = right, left, _MIRRORED[op]
        if isinstance(left, Constant) or not isinstance(right, Constant):
            raise FilterError(
                f"{operator.text!r} at character {operator.at} of the filter needs a field on one side, "
                "a value on the other."
            )
        match left:
            case Variable():
                return self._clause(compare(left, op, right), left.at)
            case Distance():
                return self._clause(compare_distance(left, op, right), left.at)
            case Condition():
                return compare_condition(left, op, right)

    # --- operands ---

    def _operand(self) -> Operand:
        token = self._next
        if token.kind is TokenKind.PUNCTUATION and token.text == "(":
            return self._parenthesised()
        if token.kind is TokenKind.NAME and token.text not in ("true", "false", "null", "NaN", "INF"):
            return self._named()
        if token.kind in (TokenKind.PUNCTUATION, TokenKind.END, TokenKind.GEOGRAPHY):
            raise self._unexpected("a field, a value, a function or '('")
        return constant(self._take())

    def _parenthesised(self) -> Condition:
        at = self._take().at
        with self._deeper(at):
            condition = self._or()
        self._expect(")")
        return Condition(filter=condition.filter, at=at)

    def _named(self) -> Operand:
        name = self._take()
        if self._accept("("):
            return self._call(name)
        path = [name.text]
        while self._accept("/"):
            part = self._take()
            if part.kind is not TokenKind.NAME:
                raise FilterError(f"Expected a name after '/' at character {part.at} of the filter.")
            if part.text in ("any", "all") and self._accept("("):
                return self._lambda("/".join(path), name.at, part.text)
            path.append(part.text)
        return self._variable("/".join(path), name.at)

    def _variable(self, name: str, at: int) -> Variable:
        if self._range_variable is not None:
            if name != self._range_variable:
                raise FilterError(
                    f"{short(name)!r} at character {at} stands inside any or all, where only the range variable "
                    f"{self._range_variable!r} may be named.",
                    remedy="Move the condition outside, joined with 'and'.",
                )
            return Variable(name=ITEM, shown=name, type=self._item_type, at=at)
        field = self._fields.get(name)
        if field is None:
            raise unknown_field(name, self._fields, at)
        if not field.filterable:
            raise FilterError(
                f"{name!r} at character {at} is not filterable.",
                remedy="Define the field as filterable, or look in it with search.ismatch.",
            )
        return Variable(name=name, shown=name, type=field.type, at=at)

    def _lambda(self, path: str, at: int, quantifier: str) -> Condition:
        collection = self._variable(path, at)
        item_type = collection.type.item
        if item_type is None:
            raise FilterError(
                f"{path!r} at character {at} is {collection.type.value}; any and all work on collections.",
                remedy=f"Compare it directly: {path} eq value.",
            )
        if quantifier == "any" and self._accept(")"):
            return self._clause(AnyItem(field=path, condition=None), at)
        variable = self._take()
        if variable.kind is not TokenKind.NAME:
            raise FilterError(
                f"Expected a range variable at character {variable.at} of the filter.",
                remedy=f"Write it like {path}/any(x: x eq 'value').",
            )
        self._expect(":")
        self._range_variable, self._item_type = variable.text, item_type
        with self._deeper(at):
            condition = self._or().filter
        self._range_variable = None
        self._expect(")")
        check_lambda(condition, item_type, any_=quantifier == "any", at=at)
        if quantifier == "any":
            return Condition(filter=AnyItem(field=path, condition=condition), at=at)
        return Condition(filter=AllItems(field=path, condition=condition), at=at)

    # --- functions ---

    def _call(self, name: Token) -> Operand:
        match name.text:
            case "search.in":
                return self._search_in(name.at)
            case "search.ismatch" | "search.ismatchscoring":
                return self._search_is_match(name)
            case "geo.distance":
                return self._geo_distance(name.at)
            case _:
                raise FilterError(
                    f"Unknown function {short(name.text)!r} at character {name.at} of the filter.",
                    remedy="There are search.in, search.ismatch, search.ismatchscoring and geo.distance.",
                )

    def _name_argument(self) -> Variable:
        operand = self._named() if self._sees(TokenKind.NAME) else None
        if not isinstance(operand, Variable):
            raise self._unexpected("a field")
        return operand

    def _string_argument(self, *, nullable: bool = False) -> str | None:
        if nullable and self._accept("null"):
            return None
        if self._next.kind is not TokenKind.STRING:
            raise self._unexpected("a string")
        return self._take().text

    def _search_in(self, at: int) -> Condition:
        variable = self._name_argument()
        if variable.type.item is not None:
            raise collection_error(variable)
        if variable.type is not FieldType.STRING:
            raise FilterError(
                f"search.in at character {at} is for strings; {variable.shown!r} is {variable.type.value}.",
                remedy="Compare it with eq, joined with 'or'.",
            )
        self._expect(",")
        values = self._string_argument() or ""
        delimiters = (self._string_argument() if self._accept(",") else None) or " ,"
        self._expect(")")
        parts = re.split(f"[{re.escape(delimiters)}]", values)
        found = SearchIn(field=variable.name, values=tuple(part for part in parts if part))
        return self._clause(found, at, call=True)

    def _search_is_match(self, name: Token) -> Condition:
        if self._range_variable is not None:
            raise FilterError(
                f"{name.text} at character {name.at} cannot stand inside any or all.",
                remedy="Move it outside, joined with 'and'.",
            )
        words = self._string_argument() or ""
        names = self._string_argument(nullable=True) if self._accept(",") else None
        all_terms = False
        if self._accept(","):
            self._query_type(name.text)
            self._expect(",")
            all_terms = self._one_of("any", "all") == "all"
        self._expect(")")
        searched = self._searched_fields(names, name.at)
        if words.strip() in ("", "*"):
            return self._clause(And(operands=()), name.at, call=True)
        found = SearchIsMatch(text=words, fields=searched, all_terms=all_terms)
        return self._clause(found, name.at, call=True)

    def _query_type(self, function: str) -> None:
        at = self._next.at
        if self._one_of("simple", "full") == "full":
            raise FilterError(
                f"{function} with the full Lucene syntax (character {at}) is not supported.",
                remedy="Use 'simple' with plain words.",
            )

    def _one_of(self, *words: str) -> str:
        if self._sees(TokenKind.STRING) and self._next.text.lower() in words:
            return self._take().text.lower()
        raise self._unexpected(" or ".join(f"'{word}'" for word in words))

    def _searched_fields(self, names: str | None, at: int) -> tuple[str, ...]:
        searchable = tuple(name for name, field in self._fields.items() if field.searchable)
        wanted = tuple(part.strip() for part in (names or "").split(",") if part.strip()) or searchable
        for name in wanted:
            if name not in self._fields:
                raise unknown_field(name, {known: self._fields[known] for known in searchable}, at)
            if name not in searchable:
                raise FilterError(
                    f"{name!r} is not searchable, so search.ismatch at character {at} cannot look in it.",
                    remedy=f"Searchable fields are {', '.join(searchable)}.",
                )
        return wanted

    def _geo_distance(self, at: int) -> Distance:
        if self._sees(TokenKind.GEOGRAPHY):
            place = self._take()
            self._expect(",")
            variable = self._name_argument()
        else:
            variable = self._name_argument()
            self._expect(",")
            if not self._sees(TokenKind.GEOGRAPHY):
                raise self._unexpected("geography'POINT(longitude latitude)'")
            place = self._take()
        self._expect(")")
        if variable.type is not FieldType.GEO_POINT:
            raise FilterError(
                f"geo.distance at character {at} needs a point; {variable.shown!r} is {variable.type.value}."
            )
        longitude, latitude = point(place)
        return Distance(field=variable.name, longitude=longitude, latitude=latitude, at=at)
