"""What every `LiveIndex` must do. Subclass it in your tests; its service holds `DOCUMENTS`, `SETTINGS` says how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from foveal.errors import FilterError, InvalidRequestError
from foveal.ports.live import LiveIndex
from foveal.types.documents import Json
from foveal.types.live import LiveHits, LiveQuery
from foveal.types.live_settings import FieldsMapping, LiveSettings

DIM = 4
SETTINGS = LiveSettings(
    index="handbook",
    database="shop",
    collection="pages",
    key="id",
    mapping=FieldsMapping(content=("content",), title="title", url="url", filepath="file", vectors=("vector",)),
    dimensions=(("vector", DIM),),
    groups_field="groups",
)
"""Complete, but for the endpoint."""


def document(key: str, content: str, vector: tuple[float, ...], *groups: str) -> dict[str, Json]:
    """One document; the vector has length 1."""
    unit = np.array(vector) / np.linalg.norm(vector)
    return {
        "id": key,
        "title": key.title(),
        "url": f"https://example.org/{key}",
        "file": f"{key}.md",
        "content": content,
        "groups": list(groups),
        "vector": unit.tolist(),
    }


DOCUMENTS = (
    document("dental", "The dental plan pays for a crown after one year.", (1, 0, 0, 0)),
    document("vision", "The vision plan pays for glasses every second year.", (0.8, 0.6, 0, 0)),
    document("parking", "Parking is free for everybody.", (0, 0, 1, 0)),
    document("salaries", "The dental board earns a crown of gold.", (0.99, 0.1, 0, 0), "board"),
    document("press", "What the press may hear of the dental plan.", (0.98, 0.15, 0, 0), "press", "o'hara, sons"),
)
QUESTION = np.array([1, 0, 0, 0], np.float32)


class LiveIndexContract:
    """The specification of `foveal.ports.LiveIndex` as tests.

    Attributes:
        finds_words: Whether it is a kind that finds by words.
        takes_filters: An example in the service's words that only the document `parking` passes; empty: it takes none.
    """

    finds_words = True
    takes_filters = ""

    @pytest.fixture
    def index(self) -> LiveIndex:
        """The index under test."""
        raise pytest.UsageError("a subclass of LiveIndexContract gives the fixture `index`")

    def query(self, **more: object) -> LiveQuery:
        """By the vector, or by both words and vector."""
        return replace(LiveQuery(text="dental crown", words=False, vectors={"vector": QUESTION}, top=10), **more)  # type: ignore[arg-type]

    def test_its_fields_are_told(self, index: LiveIndex) -> None:
        """At least those that its documents have."""
        described = index.describe()
        fields = {field.name: field for field in described.fields}
        assert fields.keys() >= {"title", "url", "file", "content"}
        assert fields.keys() & {"vector"} == {n for n, f in fields.items() if f.dimensions is not None}
        assert described.documents in {None, len(DOCUMENTS)}

    def test_the_nearest_vectors_come_first_with_their_cosines(self, index: LiveIndex) -> None:
        """Values are those of the mapping."""
        found = index.search(self.query())
        assert keys(found)[:3] == ["dental", "salaries", "press"]
        for hit in found.hits:
            kept = next(one for one in DOCUMENTS if one["id"] == hit.key)
            assert {name: hit.values.get(name) for name in ("title", "url", "file", "content")} == {
                name: kept[name] for name in ("title", "url", "file", "content")
            }
            assert hit.cosines["vector"] == pytest.approx(float(np.dot(QUESTION, vector_of(kept))), abs=2e-3)
        assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)

    def test_words_find_what_has_them(self, index: LiveIndex) -> None:
        """Best first; with a vector beside them both count. A kind that has no search by words says so."""
        if not self.finds_words:
            with pytest.raises(InvalidRequestError):
                index.search(LiveQuery(text="glasses"))
            return
        assert keys(index.search(LiveQuery(text="Who pays for glasses?")))[0] == "vision"
        assert keys(index.search(LiveQuery(text="zeppelins"))) == []
        both = index.search(self.query(text="parking for everybody", words=True))
        assert {"parking", "dental"} <= set(keys(both)[:4])

    @pytest.mark.parametrize(
        "text", ["", "-dental +(", '"crown', "dental' or 1 eq 1", "a\\", "$where { } [ ]", "x:y^2~"]
    )
    def test_no_text_is_taken_for_syntax(self, index: LiveIndex, text: str) -> None:
        """Whatever a person types is words."""
        index.search(self.query(text=text, words=self.finds_words))

    @pytest.mark.parametrize(
        ("groups", "seen"),
        [
            (None, {"dental", "vision", "parking", "salaries", "press"}),
            ((), {"dental", "vision", "parking"}),
            (("board",), {"dental", "vision", "parking", "salaries"}),
            (("o'hara, sons", "nobody"), {"dental", "vision", "parking", "press"}),
            (("o'hara",), {"dental", "vision", "parking"}),
        ],
    )
    def test_groups_see_what_is_theirs_and_what_is_everybodys(
        self, index: LiveIndex, groups: tuple[str, ...] | None, seen: set[str]
    ) -> None:
        """By words and by vectors."""
        assert set(keys(index.search(self.query(groups=groups)))) == seen
        if self.finds_words:
            by_words = set(keys(index.search(LiveQuery(text="dental plan crown", groups=groups))))
            assert by_words <= seen
            assert ("salaries" in by_words) is ("salaries" in seen)

    def test_what_may_not_be_seen_does_not_push_out_what_may(self, index: LiveIndex) -> None:
        """Groups restrict before the cut."""
        found = index.search(self.query(groups=(), top=2))
        assert keys(found) == ["dental", "vision"]

    def test_a_filter_restricts_before_the_cut_or_is_refused(self, index: LiveIndex) -> None:
        """Beside the groups', never instead of them."""
        if not self.takes_filters:
            with pytest.raises(FilterError):
                index.search(self.query(filter="id eq 'parking'"))
            return
        assert keys(index.search(self.query(filter=self.takes_filters, top=1))) == ["parking"]
        assert keys(index.search(self.query(filter="id eq 'salaries' or id ne ''", groups=()))) != []
        assert "salaries" not in keys(index.search(self.query(filter="id eq 'salaries' or id ne ''", groups=())))


def keys(found: LiveHits) -> list[str]:
    """Of the hits, in order."""
    return [hit.key for hit in found.hits]


def vector_of(kept: Mapping[str, Json]) -> list[float]:
    """Of a document."""
    vector = kept["vector"]
    assert isinstance(vector, list)
    return [float(str(number)) for number in vector]
