"""Indexes of callers' own fields as the data of a conversation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from foveal.errors import IndexNotFoundError, InvalidRequestError
from foveal.pipeline.document_finder import DocumentFinder
from foveal.pipeline.documents import DocumentSearcher
from foveal.pipeline.search_indexes import ActionKind, DocumentAction, SearchIndexes
from foveal.retrieval.document_mapping import complete_mapping
from foveal.retrieval.index_definitions import read_definition
from foveal.retrieval.odata import parse_filter
from foveal.testing.fakes_documents import InMemoryDocumentStore, InMemorySearchIndexCatalog
from foveal.testing.fakes_remote import FakeReranker
from foveal.testing.fakes_text import FakeTextEmbedder
from foveal.types.chat import DataSource
from foveal.types.live_settings import FieldsMapping
from foveal.types.search import Leg, Mode, Query

DIM = 32
MODEL = FakeTextEmbedder(dim=DIM)
TEXTS = {
    "parrot": "A parrot needs a sturdy cage, perches and toys.",
    "report": "The annual report lists the revenue of every region.",
    "dogs": "Two dogs run along the beach at sunset.",
}


def _wire(name: str, dimensions: int) -> dict[str, Any]:
    vector = {"type": "Collection(Edm.Single)", "dimensions": dimensions, "vectorSearchProfile": "p"}
    return {
        "name": name,
        "fields": [
            {"name": "id", "type": "Edm.String", "key": True},
            {"name": "chunk", "type": "Edm.String"},
            {"name": "title", "type": "Edm.String"},
            {"name": "metadata_storage_path", "type": "Edm.String", "searchable": False},
            {"name": "metadata_storage_name", "type": "Edm.String", "searchable": False},
            {"name": "contentVector", **vector},
        ],
        "vectorSearch": {
            "profiles": [{"name": "p", "algorithm": "a"}],
            "algorithms": [{"name": "a", "kind": "hnsw"}],
        },
    }


@pytest.fixture
def searcher() -> DocumentSearcher:
    indexes = SearchIndexes(InMemorySearchIndexCatalog(), InMemoryDocumentStore(), taken=lambda: [])
    for name, dimensions in (("pets", DIM), ("others", 5)):
        indexes.create(read_definition(_wire(name, dimensions)))
        vectors = MODEL.embed_passages(list(TEXTS.values())) if dimensions == DIM else np.eye(5, dtype=np.float32)
        documents = [
            {
                "id": key,
                "chunk": text,
                "title": key.title(),
                "metadata_storage_path": f"https://example.org/{key}",
                "metadata_storage_name": f"{key}.txt",
                "contentVector": vector.tolist(),
            }
            for (key, text), vector in zip(TEXTS.items(), vectors, strict=False)
        ]
        indexes.write(name, [DocumentAction(kind=ActionKind.UPLOAD, wire=wire) for wire in documents])
    finder = DocumentFinder(embedder=lambda dim: MODEL if dim == DIM else None, reranker=FakeReranker)
    background = MODEL.embed_passages(["A subject of its own.", "Nothing in particular."])
    return DocumentSearcher(finder, indexes.snapshot, background=lambda _: background)


@pytest.mark.parametrize("mode", list(Mode))
def test_the_document_that_answers_comes_first_in_every_mode(searcher: DocumentSearcher, mode: Mode) -> None:
    found = searcher.search(DataSource(index="pets", mode=mode), Query(text="What cage does a parrot need?", mode=mode))
    chunk = found.hits[0].chunk
    assert (chunk.content, chunk.title, chunk.filepath, chunk.url) == (
        TEXTS["parrot"],
        "Parrot",
        "parrot.txt",
        "https://example.org/parrot",
    )
    legs = {leg.leg for leg in found.hits[0].legs}
    assert legs == {Mode.KEYWORD: {Leg.KEYWORD}, Mode.VECTOR: {Leg.TEXT}}.get(mode, {Leg.KEYWORD, Leg.TEXT})
    assert (found.hits[0].rerank_score is not None) is (mode is Mode.SEMANTIC)


def test_strictness_sets_weak_hits_aside(searcher: DocumentSearcher) -> None:
    source, question = DataSource(index="pets", mode=Mode.KEYWORD), "parrot cage perches chess olympiad champion"
    lax = searcher.search(source, Query(text=question, mode=Mode.KEYWORD, strictness=1))
    strict = searcher.search(source, Query(text=question, mode=Mode.KEYWORD, strictness=5))
    assert lax.hits
    assert not strict.hits
    assert {h.chunk.chunk_id for h in strict.rejected} >= {h.chunk.chunk_id for h in lax.hits}


def test_a_filter_keeps_documents_out_of_every_mode(searcher: DocumentSearcher) -> None:
    definition = read_definition(_wire("pets", DIM))
    where = parse_filter("id ne 'parrot'", definition.filter_fields)
    for mode in Mode:
        found = searcher.search(
            DataSource(index="pets", mode=mode), Query(text="parrot cage", mode=mode, filter=where, strictness=1)
        )
        assert "parrot" not in [hit.chunk.chunk_id for hit in (*found.hits, *found.rejected)]


def test_without_a_model_of_the_length_words_still_find(searcher: DocumentSearcher) -> None:
    found = searcher.search(DataSource(index="others", mode=Mode.HYBRID), Query(text="parrot cage"))
    assert found.hits[0].chunk.chunk_id == "parrot"
    with pytest.raises(InvalidRequestError, match="vectors alone"):
        searcher.search(DataSource(index="others", mode=Mode.VECTOR), Query(text="parrot cage", mode=Mode.VECTOR))


def test_a_given_mapping_wins_and_must_name_fields(searcher: DocumentSearcher) -> None:
    mapping = FieldsMapping(content=("title", "chunk"), separator=" | ", url="title")
    found = searcher.search(
        DataSource(index="pets", mode=Mode.KEYWORD, mapping=mapping), Query(text="parrot", mode=Mode.KEYWORD)
    )
    assert found.hits[0].chunk.content == f"Parrot | {TEXTS['parrot']}"
    assert found.hits[0].chunk.url == "Parrot"
    with pytest.raises(InvalidRequestError, match="nothing"):
        complete_mapping(FieldsMapping(title="nothing"), read_definition(_wire("pets", DIM)))


def test_an_unknown_index_is_named(searcher: DocumentSearcher) -> None:
    with pytest.raises(IndexNotFoundError, match="nowhere"):
        searcher.search(DataSource(index="nowhere"), Query(text="x"))
