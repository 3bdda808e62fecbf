"""What every `Catalog` must do. Subclass it in your tests and give the fixture `catalog`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from foveal.errors import ConflictError, IndexNotFoundError
from foveal.ports.stores import Catalog
from foveal.types.assets import AssetId, DocumentId, SourceItem
from foveal.types.chunks import Generation, IndexSchema
from foveal.types.ingestions import AssetFailure, DocumentRecord, DocumentState

SCHEMA = IndexSchema(text_dim=384, image_dim=1280)


def document(path: str, *, source: str = "/photos") -> DocumentRecord:
    """A record with every field set."""
    return DocumentRecord(
        document_id=DocumentId(f"id of {source}/{path}"),
        source=source,
        item=SourceItem(
            path=path,
            size_bytes=5_000_000_000,
            version="1719837015123456789",
            modified_at=datetime(2024, 7, 1, 12, 30, 15, 123456, tzinfo=timezone(timedelta(hours=7))),
        ),
        asset_id=AssetId("a" * 64),
        recipe="recipe-1",
        state=DocumentState.FAILED,
        media_type="image/jpeg",
        chunk_count=3,
        failure=AssetFailure(path=path, stage="read", code="unreadable", reason="it's “broken”", remedy="mend it"),
        warnings=("one", "zwei \x00 日本"),
    )


class CatalogContract:
    """The specification of `foveal.ports.Catalog` as tests."""

    @pytest.fixture
    def catalog(self) -> Catalog:
        """The catalog under test, empty."""
        raise pytest.UsageError("a subclass of CatalogContract gives the fixture `catalog`")

    @pytest.fixture
    def photos(self, catalog: Catalog) -> str:
        """Name of an index without documents."""
        return catalog.create_index("photos", SCHEMA, Generation(7)).name

    def test_an_index_comes_back_as_it_was_created(self, catalog: Catalog) -> None:
        """Also one with a large generation and an odd name."""
        catalog.create_index("Photos / 日本's", SCHEMA, Generation(2**52))
        found = catalog.index("Photos / 日本's")
        assert (found.name, found.schema, found.generation) == ("Photos / 日本's", SCHEMA, 2**52)

    def test_indexes_are_listed_by_name(self, catalog: Catalog) -> None:
        """An empty catalog lists none."""
        assert catalog.indexes() == []
        for name in ("b", "a", "B"):
            catalog.create_index(name, SCHEMA, Generation(1))
        assert [index.name for index in catalog.indexes()] == ["B", "a", "b"]

    def test_creating_an_index_twice_is_a_conflict(self, catalog: Catalog, photos: str) -> None:
        """And leaves the first as it is."""
        with pytest.raises(ConflictError, match="photos"):
            catalog.create_index(photos, IndexSchema(text_dim=1, image_dim=1), Generation(1))
        assert catalog.index(photos).generation == 7

    def test_an_unknown_index_is_refused_with_its_nearest_names(self, catalog: Catalog, photos: str) -> None:
        """By every method that takes a name."""
        with pytest.raises(IndexNotFoundError, match=photos):
            catalog.index("fotos")
        for call in (
            lambda: catalog.delete_index("zzz"),
            lambda: list(catalog.documents("zzz")),
            lambda: catalog.commit("zzz", Generation(1)),
            lambda: catalog.find("zzz", []),
            lambda: catalog.attachment("zzz", "adapter"),
        ):
            with pytest.raises(IndexNotFoundError, match="zzz"):
                call()

    def test_a_document_comes_back_as_it_was_committed(self, catalog: Catalog, photos: str) -> None:
        """Every field, the absent ones too."""
        full = document("a.jpg")
        bare = replace(
            document("b.jpg"),
            state=DocumentState.INDEXED,
            failure=None,
            warnings=(),
            item=replace(full.item, path="b.jpg", modified_at=None),
        )
        catalog.commit(photos, Generation(8), put=[full, bare])
        assert list(catalog.documents(photos)) == [full, bare]
        assert catalog.index(photos).generation == 8

    def test_times_come_back_aware(self, catalog: Catalog, photos: str) -> None:
        """So that they can be compared with others."""
        catalog.commit(photos, Generation(8), put=[document("a.jpg")])
        found = next(iter(catalog.documents(photos))).item.modified_at
        assert found is not None
        assert found < datetime.now(UTC)

    def test_documents_are_ordered_by_source_and_path(self, catalog: Catalog, photos: str) -> None:
        """In code-point order; one source alone when asked."""
        paths = ["b.jpg", "a/z.jpg", "a.jpg", "B.jpg", "é.jpg", "日.jpg", "a/b/c.jpg"]
        put = [document(path, source=source) for path in paths for source in ("/two", "/one")]
        catalog.commit(photos, Generation(8), put=put)
        found = [(d.source, d.item.path) for d in catalog.documents(photos)]
        assert found == sorted(found)
        assert len(found) == 2 * len(paths)
        assert [d.item.path for d in catalog.documents(photos, "/two")] == sorted(paths)
        assert list(catalog.documents(photos, "/three")) == []

    def test_a_document_is_replaced_when_it_is_put_again(self, catalog: Catalog, photos: str) -> None:
        """Its id is its identity."""
        catalog.commit(photos, Generation(8), put=[document("a.jpg"), document("b.jpg")])
        changed = replace(document("a.jpg"), recipe="recipe-2")
        catalog.commit(photos, Generation(9), put=[changed])
        assert list(catalog.documents(photos)) == [changed, document("b.jpg")]

    def test_deleted_documents_are_gone_and_put_wins_over_delete(self, catalog: Catalog, photos: str) -> None:
        """Unknown ids are ignored; thousands at once are fine."""
        many = [document(f"{n:05}.jpg") for n in range(2_500)]
        catalog.commit(photos, Generation(8), put=many)
        gone = [d.document_id for d in many[1:]] + [DocumentId("unknown")]
        catalog.commit(photos, Generation(9), put=[many[5]], delete=gone)
        assert list(catalog.documents(photos)) == [many[0], many[5]]

    def test_a_commit_is_all_or_nothing(self, catalog: Catalog, photos: str) -> None:
        """A source of records that breaks half-way changes neither documents nor generation."""
        catalog.commit(photos, Generation(8), put=[document("a.jpg")])

        def breaking() -> Iterator[DocumentRecord]:
            yield document("b.jpg")
            raise RuntimeError("broken half-way")

        with pytest.raises(RuntimeError, match="half-way"):
            catalog.commit(photos, Generation(9), put=breaking(), delete=[document("a.jpg").document_id])
        assert catalog.index(photos).generation == 8
        assert list(catalog.documents(photos)) == [document("a.jpg")]

    def test_a_switch_names_other_vectors_and_leaves_the_documents(self, catalog: Catalog, photos: str) -> None:
        """Lengths, generation, model and attachments at once."""
        assert catalog.index(photos).text_model == ""
        catalog.commit(photos, Generation(8), put=[document("a.jpg")], attachments={"adapter": b"old"})
        other = IndexSchema(text_dim=1536, image_dim=1280)
        catalog.switch(photos, other, Generation(20), text_model="ada", attachments={"adapter": b"new"})
        found = catalog.index(photos)
        assert (found.schema, found.generation, found.text_model) == (other, 20, "ada")
        assert catalog.attachment(photos, "adapter") == b"new"
        assert list(catalog.documents(photos)) == [document("a.jpg")]
        assert [record.text_model for record in catalog.indexes()] == ["ada"]
        with pytest.raises(IndexNotFoundError):
            catalog.switch("nowhere", other, Generation(20), text_model="")

    def test_indexes_do_not_share_documents(self, catalog: Catalog, photos: str) -> None:
        """The same document may be in two."""
        catalog.create_index("other", SCHEMA, Generation(1))
        for index in (photos, "other"):
            catalog.commit(index, Generation(8), put=[document("a.jpg")])
        catalog.commit(photos, Generation(9), delete=[document("a.jpg").document_id])
        assert list(catalog.documents(photos)) == []
        assert list(catalog.documents("other")) == [document("a.jpg")]

    def test_a_deleted_index_takes_everything_along(self, catalog: Catalog, photos: str) -> None:
        """And may be created again, empty."""
        catalog.commit(photos, Generation(8), put=[document("a.jpg")], attachments={"adapter": b"old"})
        catalog.delete_index(photos)
        with pytest.raises(IndexNotFoundError):
            catalog.index(photos)
        catalog.create_index(photos, SCHEMA, Generation(1))
        assert list(catalog.documents(photos)) == []
        assert catalog.attachment(photos, "adapter") is None

    def test_attachments_are_kept_and_replaced(self, catalog: Catalog, photos: str) -> None:
        """Megabytes too."""
        assert catalog.attachment(photos, "adapter") is None
        catalog.commit(photos, Generation(8), attachments={"adapter": b"first", "other": b""})
        catalog.commit(photos, Generation(9), attachments={"adapter": bytes(range(256)) * 20_000})
        assert catalog.attachment(photos, "adapter") == bytes(range(256)) * 20_000
        assert catalog.attachment(photos, "other") == b""

    def test_documents_are_found_by_id(self, catalog: Catalog, photos: str) -> None:
        """Unknown ones are left out, however many are asked for."""
        kept = [document(f"{n}.jpg") for n in range(700)]
        catalog.commit(photos, Generation(8), put=kept)
        asked = [d.document_id for d in kept[::2]] + [DocumentId("nobody")]
        found = sorted(catalog.find(photos, asked), key=lambda d: int(d.item.path.removesuffix(".jpg")))
        assert found == kept[::2]
        assert catalog.find(photos, []) == []

    def test_a_commit_on_what_readers_do_not_open_any_more_is_refused_whole(
        self, catalog: Catalog, photos: str
    ) -> None:
        """As of a process that slept while another went on."""
        catalog.commit(photos, Generation(8), put=[document("a.jpg")], base=Generation(7))
        with pytest.raises(ConflictError, match="photos"):
            catalog.commit(photos, Generation(9), put=[document("b.jpg")], base=Generation(7))
        assert catalog.index(photos).generation == 8
        assert [d.item.path for d in catalog.documents(photos)] == ["a.jpg"]
