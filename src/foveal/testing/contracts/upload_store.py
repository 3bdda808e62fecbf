"""What every `UploadStore` must do. Subclass it in your tests and give the fixture `store`."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from foveal.errors import ConflictError, NotFoundError, UnreadableAssetError
from foveal.ports.uploads import UploadStore
from foveal.types.assets import AssetId
from foveal.types.uploads import Fate, FileId, Received, UploadDraft, UploadId

DRAFT = UploadDraft(source="photos", path="a.jpg", size_bytes=5, description="A harbour.")


def asset_of(data: bytes) -> AssetId:
    """SHA-256 of some bytes."""
    return AssetId(hashlib.sha256(data).hexdigest())


def sent(store: UploadStore, data: bytes, **draft: object) -> Received:
    """A file sent whole, and kept."""
    said = replace(DRAFT, **draft)  # type: ignore[arg-type]
    begun = store.begin(said)
    store.append(begun.upload_id, 0, data)
    return store.keep(begun.upload_id, said, asset_id=asset_of(data), media_type="image/jpeg")


class UploadStoreContract:
    """The specification of `foveal.ports.UploadStore` as tests."""

    @pytest.fixture
    def store(self) -> UploadStore:
        """The store under test, nothing in it."""
        raise pytest.UsageError("a subclass of UploadStoreContract gives the fixture `store`")

    def test_a_file_arrives_piece_by_piece(self, store: UploadStore) -> None:
        """And says how far it is."""
        begun = store.begin(DRAFT)
        assert (begun.draft, begun.offset) == (DRAFT, 0)
        assert store.append(begun.upload_id, 0, b"ab") == 2
        assert store.append(begun.upload_id, 2, b"cde") == 5
        assert store.unfinished(begun.upload_id).offset == 5
        with store.read(begun.upload_id) as file:
            assert file.read() == b"abcde"

    def test_a_piece_that_does_not_fit_is_refused(self, store: UploadStore) -> None:
        """Before the end, and beyond it; what is there stays."""
        begun = store.begin(DRAFT)
        store.append(begun.upload_id, 0, b"abc")
        for offset in (0, 2, 4):
            with pytest.raises(ConflictError):
                store.append(begun.upload_id, offset, b"x")
        assert store.unfinished(begun.upload_id).offset == 3

    def test_what_was_kept_or_given_up_is_no_unfinished_upload(self, store: UploadStore) -> None:
        """Nor is what was never begun."""
        kept, given_up = store.begin(DRAFT).upload_id, store.begin(DRAFT).upload_id
        store.append(kept, 0, b"abc")
        store.keep(kept, DRAFT, asset_id=asset_of(b"abc"), media_type="image/jpeg")
        store.abandon(given_up)
        store.abandon(given_up)
        for upload_id in (kept, given_up, UploadId("0" * 32), UploadId("../../etc/passwd")):
            with pytest.raises(NotFoundError):
                store.unfinished(upload_id)
            with pytest.raises(NotFoundError):
                store.append(upload_id, 0, b"x")
            with pytest.raises(NotFoundError):
                store.read(upload_id)

    def test_only_old_ones_are_given_up(self, store: UploadStore) -> None:
        """By when they were last touched."""
        begun = store.begin(DRAFT)
        assert store.abandon_before(datetime.now(UTC) - timedelta(hours=1)) == 0
        assert store.unfinished(begun.upload_id) == begun
        assert store.abandon_before(datetime.now(UTC) + timedelta(hours=1)) == 1
        with pytest.raises(NotFoundError):
            store.unfinished(begun.upload_id)

    def test_a_file_that_is_here_can_be_read_and_found(self, store: UploadStore) -> None:
        """By its id, by its source and name, and in its source's list."""
        received = sent(store, b"abc")
        file = received.file
        assert received.fate is Fate.ADDED
        assert (file.path, file.size_bytes, file.description) == ("a.jpg", 3, "A harbour.")
        assert store.file(file.file_id) == file
        assert store.find("photos", "a.jpg") == file
        assert store.find("others", "a.jpg") is None
        assert store.files("photos") == [file]
        assert store.files("others") == []
        with store.open(file.asset_id) as opened:
            assert opened.read() == b"abc"

    def test_files_are_listed_in_code_point_order(self, store: UploadStore) -> None:
        """Whatever a database thinks of the alphabet."""
        for number, path in enumerate(("ä.jpg", "Z.jpg", "a/b.jpg", "a.jpg", "日本.jpg")):
            sent(store, bytes([number]), path=path)
        assert [file.path for file in store.files("photos")] == ["Z.jpg", "a.jpg", "a/b.jpg", "ä.jpg", "日本.jpg"]

    def test_the_same_bytes_are_kept_once_in_a_source(self, store: UploadStore) -> None:
        """Under the name they came with first; another source has a file of its own."""
        first = sent(store, b"abc").file
        again = sent(store, b"abc", path="b.jpg", description="Other words.")
        assert (again.fate, again.file) == (Fate.DUPLICATE, first)
        elsewhere = sent(store, b"abc", source="others")
        assert elsewhere.fate is Fate.ADDED
        assert store.files("photos") == [first]
        store.remove([first.file_id])
        with store.open(elsewhere.file.asset_id) as opened:
            assert opened.read() == b"abc"

    def test_words_that_come_with_a_duplicate_are_kept_where_there_are_none(self, store: UploadStore) -> None:
        """A person who describes a file sends it again."""
        first = sent(store, b"abc", description="").file
        again = sent(store, b"abc", description="A boat.")
        assert again.file == replace(first, description="A boat.")
        assert store.file(first.file_id).description == "A boat."

    def test_a_name_that_is_taken_is_numbered(self, store: UploadStore) -> None:
        """Nothing that was sent is lost."""
        sent(store, b"one")
        assert sent(store, b"two").file.path == "a (2).jpg"
        assert sent(store, b"three").file.path == "a (3).jpg"

    def test_a_file_is_replaced_where_the_sender_says_so(self, store: UploadStore) -> None:
        """It keeps its id and its words; the former bytes are gone."""
        first = sent(store, b"one").file
        replaced = sent(store, b"two", replace=True, description="")
        assert replaced.fate is Fate.REPLACED
        assert (replaced.file.file_id, replaced.file.path) == (first.file_id, "a.jpg")
        assert (replaced.file.asset_id, replaced.file.description) == (asset_of(b"two"), "A harbour.")
        assert len(store.files("photos")) == 1
        with pytest.raises(UnreadableAssetError):
            store.open(first.asset_id)

    def test_words_are_changed(self, store: UploadStore) -> None:
        """Unknown files are passed over."""
        file = sent(store, b"one").file
        store.describe({file.file_id: "Two boats.", FileId("0" * 32): "?"})
        assert store.files("photos") == [replace(file, description="Two boats.")]

    def test_a_deleted_file_is_gone_with_its_bytes(self, store: UploadStore) -> None:
        """Deleting it again does nothing."""
        file, other = sent(store, b"one").file, sent(store, b"two").file
        store.remove([file.file_id, FileId("0" * 32)])
        store.remove([file.file_id])
        assert store.files("photos") == [other]
        assert store.find("photos", file.path) is None
        with pytest.raises(NotFoundError):
            store.file(file.file_id)
        with pytest.raises(UnreadableAssetError) as caught:
            store.open(file.asset_id)
        assert caught.value.stage == "fetch"
        assert store.sweep() == 0
