"""Photos in a real Azurite, from `foveal source add` to an answer, with the real models."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from foveal import question
from foveal.cli import app
from foveal.errors import NotFoundError, SourceUnusableError
from foveal.models.cards import Card
from foveal.runtime import Foveal
from foveal.settings import load
from foveal.sources.spooled import spooled
from foveal.types.assets import SourceItem
from foveal.types.chat import Answer
from foveal.types.ingestions import IngestionState
from foveal.types.search import Query
from foveal.types.sources import Credential, CredentialKind, Secret, SourceDraft, SourceKind, SourceState

from .azurite import KEY, Azurite

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

CARDS = ("efficientnet-lite2", "nanodet", "ssdlite", "open-nsfw", "multilingual-e5-small", "pp-ocr-v6")
BEAR, APPLES, COFFEE, TENNIS = "000000000285.jpg", "000000002149.jpg", "000000002592.jpg", "000000000885.jpg"
PHOTOS = (BEAR, APPLES, COFFEE, TENNIS)
Upload = Callable[[str, bytes | Path], None]


@dataclass(frozen=True)
class World:
    home: Path
    models: Path
    azurite: Azurite
    container: ContainerClient

    def open(self) -> Foveal:
        return Foveal(load({"home": self.home, "models": self.models, "offline": True}))

    def draft(self, **more: str) -> SourceDraft:
        return SourceDraft(
            name="blobs",
            kind=SourceKind.AZURE_BLOB,
            index="photos",
            container=self.container.container_name,
            account_url=self.azurite.account_url,
            **more,
        )

    def run(self, *arguments: str, status: int = 0) -> str:
        """The command line."""
        flags = ["--offline", "--home", str(self.home), "--set", f"models={self.models}"]
        ended = CliRunner().invoke(app, [*flags, *arguments])
        assert ended.exit_code == status, ended.output
        return ended.stdout


def key(secret: str = KEY) -> Credential:
    return Credential(kind=CredentialKind.ACCOUNT_KEY, secret=Secret(secret))


def files(foveal: Foveal) -> dict[str, str]:
    """Id of the chunk of every picture that can be found."""
    hits = foveal.search("photos", Query(text="photo", top=50)).hits
    return {hit.chunk.filepath: hit.chunk.chunk_id for hit in hits}


def cited(answer: Answer) -> list[str]:
    return [c.chunk.filepath for c in answer.retrieved.citations if f"[doc{c.number}]" in answer.text]


@pytest.fixture
def world(
    tmp_path: Path,
    azurite: Azurite,
    container: ContainerClient,
    upload: Upload,
    test_data: Path,
    models_dir: Path,
    pulled: Callable[[str], Card],
) -> World:
    """A container with four photos, each described, and a home of its own."""
    for card in CARDS:
        pulled(card)
    coco = test_data / "photos" / "coco"
    for name in PHOTOS:
        upload(name, next(coco.rglob(name)))
    entries = json.loads((coco / "metadata.json").read_text("utf-8"))
    kept = [entry for entry in entries if entry["image_blob_path"] in PHOTOS]
    upload("metadata.json", json.dumps(kept).encode())
    return World(home=tmp_path / "home", models=models_dir, azurite=azurite, container=container)


@pytest.fixture
def saved(world: World) -> Iterator[Foveal]:
    """The container as a source that was refreshed once."""
    with world.open() as foveal:
        foveal.sources.add(foveal.sources.settle(world.draft(every="1h"), key()), key())
        foveal.sources.refresh("blobs")
        yield foveal


def test_a_deleted_blob_is_never_cited_again_and_a_changed_one_is(
    world: World, upload: Upload, test_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOBS", world.azurite.connection_string)
    name = world.container.container_name
    where = ["--container", name, "--connection-string-env", "BLOBS", "--index", "photos", "--every", "6h"]
    world.run("source", "add", "blobs", "--kind", "azure-blob", *where)
    assert "4 files" in world.run("source", "test", "blobs")
    assert json.loads(world.run("source", "plan", "blobs", "--json"))["counts"]["added"] == 4
    assert "4 added" in world.run("source", "refresh", "--due")

    with world.open() as foveal:
        bear = foveal.ask(question("Is there a photo of a grizzly bear?", indexes=("photos",)))
        assert cited(bear) == [BEAR]
        ids = files(foveal)
        assert sorted(ids) == sorted(PHOTOS)
        original = (next((test_data / "photos" / "coco").rglob(BEAR))).read_bytes()
        assert foveal.original("photos", ids[BEAR])[1] == original
        assert foveal.thumbnail("photos", ids[BEAR])

    world.container.delete_blob(BEAR)
    entries = [
        {"image_blob_path": APPLES, "description": "A zeppelin above a harbour."},
        {"image_blob_path": TENNIS, "description": "The man balances on one leg after serving a tennis ball."},
    ]
    upload("metadata.json", json.dumps(entries).encode())
    upload(TENNIS, next((test_data / "photos" / "coco").rglob("000000006012.jpg")))
    done = world.run("source", "refresh", "blobs")
    assert "3 changed" in done  # other bytes, other words, no words any more
    assert "1 deleted" in done

    with world.open() as foveal:
        now = files(foveal)
        assert sorted(now) == sorted(set(PHOTOS) - {BEAR})
        for ask in (foveal.original, foveal.thumbnail):
            with pytest.raises(NotFoundError):
                ask("photos", ids[BEAR])
        again = foveal.ask(question("Is there a photo of a grizzly bear?", indexes=("photos",)))
        assert BEAR not in [c.chunk.filepath for c in again.retrieved.citations]
        zeppelin = foveal.ask(question("Is there a zeppelin above a harbour?", indexes=("photos",)))
        assert cited(zeppelin) == [APPLES]
        assert foveal.original("photos", now[TENNIS])[1] != original
    assert "unchanged" in world.run("source", "refresh", "blobs")

    shown = world.run("source", "show", "blobs", "--json") + world.run("source", "list")
    assert json.loads(world.run("source", "show", "blobs", "--json"))["next_run_at"]
    assert KEY not in shown
    key_file = world.home / "source-key"
    assert key_file.stat().st_mode & 0o777 == 0o600
    for file in world.home.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes()

    world.run("source", "remove", "blobs")
    with world.open() as foveal:
        assert files(foveal) == {}
        assert foveal.sources.all() == []


def test_a_refresh_of_what_has_not_changed_fetches_no_blob(saved: Foveal, monkeypatch: pytest.MonkeyPatch) -> None:
    from foveal.sources.azure_blob import AzureBlobSource

    fetched: list[str] = []
    whole = AzureBlobSource.open

    def noted(self: AzureBlobSource, item: SourceItem) -> object:
        fetched.append(item.path)
        return whole(self, item)

    monkeypatch.setattr(AzureBlobSource, "open", noted)
    job = saved.sources.refresh("blobs")
    assert (job.counts.unchanged, job.counts.changed) == (4, 0)
    assert fetched == ["metadata.json"]


def test_a_container_that_vanishes_leaves_what_was_searchable(saved: Foveal, world: World) -> None:
    world.container.delete_container()
    with pytest.raises(SourceUnusableError, match="no container"):
        saved.sources.refresh("blobs")
    assert sorted(files(saved)) == sorted(PHOTOS)
    state = saved.sources.get("blobs")
    assert (state.state, "no container" in state.message) == (SourceState.FAILED, True)
    assert state.next_run_at is not None
    with pytest.raises(NotFoundError):  # the words are kept; the bytes were never copied
        saved.original("photos", files(saved)[BEAR])


def test_a_container_that_vanishes_in_mid_run_leaves_what_was_searchable(
    saved: Foveal, world: World, upload: Upload, test_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from foveal.sources.azure_blob import AzureBlobSource

    for name in (TENNIS, APPLES):
        upload(name, next((test_data / "photos" / "coco").rglob(COFFEE)))
    whole, lock = AzureBlobSource.open, threading.Lock()

    def gone_before_the_first_photo(self: AzureBlobSource, item: SourceItem) -> object:
        with lock:
            if item.path in PHOTOS and world.container.exists():
                world.container.delete_container()
        return whole(self, item)

    monkeypatch.setattr(AzureBlobSource, "open", gone_before_the_first_photo)
    with pytest.raises(SourceUnusableError, match="no container"):
        saved.sources.refresh("blobs")
    assert sorted(files(saved)) == sorted(PHOTOS)
    assert saved.jobs.recent("photos")[0].state is IngestionState.FAILED


def test_a_rotated_key_fails_the_source_until_the_new_one_is_given(
    saved: Foveal, caplog: pytest.LogCaptureFixture
) -> None:
    rotated = KEY.swapcase()
    saved.sources.set_credential("blobs", key(rotated))
    with caplog.at_level(logging.DEBUG), pytest.raises(SourceUnusableError, match="rotated") as caught:
        saved.sources.refresh("blobs")
    assert rotated not in f"{caught.value} {caplog.text} {saved.sources.get('blobs')}"
    assert sorted(files(saved)) == sorted(PHOTOS)
    saved.sources.set_credential("blobs", key())
    assert saved.sources.refresh("blobs").counts.unchanged == 4
    assert saved.sources.get("blobs").message == ""


def test_a_removed_source_may_leave_its_words(saved: Foveal) -> None:
    saved.sources.remove("blobs", keep_data=True)
    ids = files(saved)
    assert sorted(ids) == sorted(PHOTOS)
    with pytest.raises(NotFoundError, match="no source"):
        saved.original("photos", ids[BEAR])


def test_of_a_blob_of_a_type_that_is_not_read_only_the_head_is_fetched(
    saved: Foveal, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    from foveal.sources import azure_blob

    fetched: list[int] = []

    def counted(pieces: Iterator[bytes]) -> object:
        return spooled(piece for piece in pieces if fetched.append(len(piece)) is None)

    upload("film.bin", b"\x01" * 2**22)
    monkeypatch.setattr(azure_blob, "spooled", counted)
    job = saved.sources.refresh("blobs")
    assert job.counts.skipped == 1
    assert sum(fetched) < 2**18
