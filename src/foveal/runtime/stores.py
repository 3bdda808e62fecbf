"""What a home keeps: each store made at first use from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foveal.runtime.made_once import Made, made_once

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from foveal.ports.ingestions import IngestionLog
    from foveal.ports.people import WrittenWords
    from foveal.ports.stores import ApiKeys, ByteStore, Catalog, ChunkStore, ModelCache
    from foveal.ports.uploads import UploadStore
    from foveal.ports.work import WorkQueue
    from foveal.stores.kept_files import KeptFiles


class Stores(Made):
    """The stores of a home."""

    @made_once
    def catalog(self) -> Catalog:
        """Indexes and documents."""
        from foveal.stores.catalog import SqlCatalog

        return SqlCatalog(self.engine)

    @made_once
    def log(self) -> IngestionLog:
        """Where jobs are kept."""
        from foveal.stores.ingestion_log import SqlIngestionLog

        return SqlIngestionLog(self.engine)

    @made_once
    def queue(self) -> WorkQueue:
        """Items of running jobs."""
        from foveal.stores.work_queue import SqlWorkQueue

        return SqlWorkQueue(self.engine)

    @made_once
    def api_keys(self) -> ApiKeys:
        """Keys of the HTTP interface."""
        from foveal.stores.api_keys import SqlApiKeys

        return SqlApiKeys(self.engine)

    @made_once
    def link_secret(self) -> bytes:
        """What signs links to bytes, the same for all processes on this home."""
        from foveal.stores.secret_file import read_or_make

        self.engine  # noqa: B018 - makes the home
        return read_or_make(self.settings.home / "link-secret")

    @made_once
    def upload_store(self) -> UploadStore:
        """Files that people sent."""
        from foveal.stores.uploads import SqlUploadStore

        return SqlUploadStore(self.engine, self.settings.home / "uploads")

    @made_once
    def store(self) -> ChunkStore:
        """Chunks and vectors."""
        from foveal.stores.lance import LanceChunkStore

        return LanceChunkStore(self.settings.home / "indexes")

    @made_once
    def derived(self) -> ByteStore:
        """Thumbnails."""
        from foveal.stores.byte_files import FileByteStore

        return FileByteStore(self.settings.home / "derived", self.kept.delete)

    @made_once
    def kept(self) -> KeptFiles:
        """Copies of files of remote sources."""
        from foveal.stores.kept_files import KeptFiles

        return KeptFiles(self.settings.home / "kept", self.settings.fetch.kept_bytes)

    @made_once
    def cache(self) -> ModelCache:
        """Model results."""
        from foveal.runtime.database import open_model_cache

        return open_model_cache(self.settings, self.engine)

    @made_once
    def written_words(self) -> WrittenWords:
        """What people wrote on files of sources that are not theirs."""
        from foveal.stores.written_words import SqlWrittenWords

        return SqlWrittenWords(self.engine)

    @made_once
    def engine(self) -> Engine:
        """The database of the catalog."""
        from foveal.runtime.database import open_database

        return open_database(self.settings)
