"""V1: documents that a question names by their metadata."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from foveal.retrieval.metadata_values import named_documents
from foveal.types.videos import MetadataField, VideoDocument, VideoIndex

NOW = datetime(2024, 1, 1, tzinfo=UTC)
INDEX = VideoIndex(
    name="cameras",
    fields=(
        MetadataField(name="place", searchable=True),
        MetadataField(name="note"),
        MetadataField(name="taken", type="datetime", searchable=True),
    ),
    etag="",
    created_at=NOW,
    modified_at=NOW,
)


def document(name: str, **metadata: str) -> VideoDocument:
    return VideoDocument(document_id=name, url="", path=name, metadata=metadata, created_at=NOW, modified_at=NOW)


DOCUMENTS = [
    document("a", place="Loading dock 3", note="person"),
    document("b", place="Lobby", taken="2024"),
    document("c"),
    document("d", place="?!"),
]


@pytest.mark.parametrize(
    ("question", "shares", "rest"),
    [
        ("a person at loading dock 3", {"a": 3 / 6}, "a person at"),
        ("DOCK 3, loading", {"a": 1.0}, "DOCK 3, loading"),
        ("loading dock", {}, "loading dock"),
        ("lobby or loading dock 3", {"a": 3 / 5, "b": 1 / 5}, "or"),
        ("person 2024", {}, "person 2024"),
        ("", {}, ""),
    ],
)
def test_a_document_is_named_by_every_word_of_a_searchable_value(
    question: str, shares: dict[str, float], rest: str
) -> None:
    named = named_documents(INDEX, DOCUMENTS, question)
    assert dict(named.shares) == pytest.approx(shares)
    assert named.rest == rest
