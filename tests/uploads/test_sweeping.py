"""What killed processes left behind is swept away, and nothing that is in use."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from foveal.runtime import Foveal
from foveal.runtime.sweeping import Swept
from foveal.settings import load
from foveal.testing.contracts.upload_store import DRAFT, sent
from foveal.types.assets import AssetId, DocumentId, SourceItem
from foveal.types.chunks import Generation, IndexSchema
from foveal.types.ingestions import DocumentRecord, DocumentState
from foveal.types.uploads import QUESTIONS_INDEX, UploadDraft

INDEXED, LEFT = AssetId("a" * 64), AssetId("b" * 64)


def test_what_nothing_leads_to_is_deleted_and_the_rest_stays(tmp_path: Path) -> None:
    with Foveal(load({"home": tmp_path, "offline": True})) as foveal:
        foveal.catalog.create_index("photos", IndexSchema(text_dim=2, image_dim=2), Generation(1))
        record = DocumentRecord(
            document_id=DocumentId("d" * 32),
            source="/photos",
            item=SourceItem(path="a.jpg", size_bytes=1, version="1"),
            asset_id=INDEXED,
            recipe="r",
            state=DocumentState.INDEXED,
        )
        foveal.catalog.commit("photos", Generation(1), put=[record])
        for asset in (INDEXED, LEFT):
            foveal.parts.derived.put(asset, "320.jpg", b"a thumbnail")
        store = foveal.parts.upload_store
        kept = sent(store, b"kept").file
        unfinished, old = store.begin(DRAFT).upload_id, store.begin(DRAFT).upload_id
        long_ago = (datetime.now(UTC) - timedelta(days=3)).timestamp()
        os.utime(tmp_path / "uploads" / "arriving" / old, (long_ago, long_ago))
        orphan = tmp_path / "uploads" / "kept" / "cc" / "cc" / ("c" * 64)
        orphan.parent.mkdir(parents=True)
        orphan.write_bytes(b"left behind")

        assert foveal.sweep() == Swept(derived=1, uploads=1, unfinished=1)

        assert foveal.parts.derived.get(LEFT, "320.jpg") is None
        assert foveal.parts.derived.get(INDEXED, "320.jpg") == b"a thumbnail"
        assert not orphan.exists()
        with store.open(kept.asset_id) as file:
            assert file.read() == b"kept"
        assert store.unfinished(unfinished).offset == 0
        assert foveal.sweep() == Swept(derived=0, uploads=0, unfinished=0)


def _send(foveal: Foveal, index: str, name: str) -> None:
    uploads = foveal.parts.uploads
    source = uploads.place(index, ()).settings.name
    receiving = uploads.receive(uploads.begin(UploadDraft(path=name, source=source, size_bytes=5)))
    receiving.write(b"words")
    receiving.end()


def test_what_was_attached_to_a_question_goes_after_its_days_and_nothing_else_does(tmp_path: Path) -> None:
    kept_for = {"questions_days": 1.0}
    with Foveal(load({"home": tmp_path, "offline": True, "uploads": kept_for})) as foveal:
        _send(foveal, QUESTIONS_INDEX, "asked.txt")
        _send(foveal, "papers", "kept.txt")
        assert foveal.sweep().questions == 0
    with Foveal(load({"home": tmp_path, "offline": True, "uploads": {"questions_days": 1e-9}})) as foveal:
        assert foveal.sweep().questions == 1
        uploads = foveal.parts.uploads
        assert [f.path for source in uploads.all_sources() for f in uploads.files(source.settings.name)] == ["kept.txt"]
        queued = [job.saved_source for job in foveal.jobs.recent()]
        assert queued == [uploads.place(QUESTIONS_INDEX, ()).settings.name], "its index is brought in line"
