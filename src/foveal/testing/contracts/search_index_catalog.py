"""What every `SearchIndexCatalog` must do. Subclass it in your tests and give the fixture `definitions`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from foveal.errors import ConflictError, PreconditionError
from foveal.ports.fields import SearchIndexCatalog
from foveal.retrieval.index_definitions import read_definition
from foveal.types.documents import Json, SearchIndexRecord


def record(name: str, *, birth: int = 1, etag: str = '"1"', more: str = "") -> SearchIndexRecord:
    """An index with a key field `id`, and a field `more` if one is named."""
    fields: list[Json] = [{"name": "id", "type": "Edm.String", "key": True}]
    if more:
        fields.append({"name": more, "type": "Edm.String"})
    return SearchIndexRecord(definition=read_definition({"name": name, "fields": fields}), birth=birth, etag=etag)


class SearchIndexCatalogContract:
    """The specification of `foveal.ports.SearchIndexCatalog` as tests."""

    @pytest.fixture
    def definitions(self) -> SearchIndexCatalog:
        """An empty catalog."""
        raise pytest.UsageError("a subclass of SearchIndexCatalogContract gives the fixture `definitions`")

    def test_what_is_put_is_given_back_whole(self, definitions: SearchIndexCatalog) -> None:
        """With the JSON it was made from; the list is by name."""
        second, first = record("second", birth=2**60), record("first", more="title")
        definitions.put(second)
        definitions.put(first)
        assert list(definitions.all()) == [first, second]
        assert definitions.get("second") == second
        assert definitions.get("third") is None

    def test_a_name_is_taken_once(self, definitions: SearchIndexCatalog) -> None:
        """The first stays."""
        definitions.put(record("first"))
        with pytest.raises(ConflictError, match="'first'"):
            definitions.put(record("first", etag='"2"'))
        assert definitions.get("first") == record("first")

    def test_a_change_replaces_what_it_saw_and_nothing_else(self, definitions: SearchIndexCatalog) -> None:
        """A second change of the same state is refused."""
        old = record("first")
        definitions.put(old)
        new = record("first", etag='"2"', more="title")
        definitions.put(new, replaces=old)
        assert definitions.get("first") == new
        with pytest.raises(PreconditionError):
            definitions.put(replace(new, etag='"3"'), replaces=old)
        assert definitions.get("first") == new

    def test_what_is_removed_is_gone_and_its_name_is_free(self, definitions: SearchIndexCatalog) -> None:
        """Unless it was changed meanwhile."""
        definitions.put(record("first"))
        with pytest.raises(PreconditionError):
            definitions.remove(record("first", etag='"2"'))
        definitions.remove(record("first"))
        assert definitions.get("first") is None
        with pytest.raises(PreconditionError):
            definitions.remove(record("first"))
        definitions.put(record("first", birth=2))
        assert definitions.get("first") == record("first", birth=2)
