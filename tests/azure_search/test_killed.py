"""A process that is killed while it writes loses nothing that it was told was written, and leaves a working index."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from foveal.retrieval.document_values import read_document
from foveal.retrieval.index_definitions import read_definition
from foveal.stores.lance_documents import LanceDocumentStore
from foveal.types.documents import DocumentChange, MatchKind, SearchIndexRecord, TextMatch

WRITER = """
import sys
from pathlib import Path
from tests.azure_search.test_killed import RECORD, put
from foveal.stores.lance_documents import LanceDocumentStore

store = LanceDocumentStore(Path(sys.argv[1]))
for number in range(100_000):
    put(store, f"d{number}")
    print(number, flush=True)
"""
RECORD = SearchIndexRecord(
    definition=read_definition(
        {
            "name": "hotels",
            "fields": [{"name": "id", "type": "Edm.String", "key": True}, {"name": "t", "type": "Edm.String"}],
        }
    ),
    birth=1,
    etag='"1"',
)


def put(store: LanceDocumentStore, key: str) -> None:
    document = read_document(RECORD.definition, {"id": key, "t": "some words"})
    store.change(RECORD, (), lambda _: DocumentChange(put=(document,)))


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    LanceDocumentStore(tmp_path).create(RECORD)
    root = Path(__file__).parents[2]
    for _ in range(2):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, cwd=root)
        assert writer.stdout is not None
        acknowledged = int(writer.stdout.readline())
        time.sleep(1.0)
        writer.kill()
        rest = writer.stdout.read().split()
        writer.wait()
        writer.stdout.close()
        acknowledged = int(rest[-1]) if rest else acknowledged
        store = LanceDocumentStore(tmp_path)
        assert acknowledged > 3
        wanted = [f"d{number}" for number in range(acknowledged + 1)]
        assert store.snapshot(RECORD).find(wanted).keys() == set(wanted)
        put(store, "after")
        found = store.snapshot(RECORD).matching(TextMatch(kind=MatchKind.ANY, text="words"), "t")
        assert len(found.rows) >= len(wanted) + 1
