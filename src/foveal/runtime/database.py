"""The database of a home: SQLite files in it, or the PostgreSQL that the setting `database` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foveal.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from foveal.ports.stores import ModelCache
    from foveal.settings import Settings


def open_database(settings: Settings) -> Engine:
    """The database of catalog, jobs, keys and sources, made or migrated if need be.

    Raises:
        SettingsError: `database` is none that can be used.
        StoreError: The home or the database cannot be used.
    """
    from foveal.stores.catalog import open_engine

    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The home {settings.home} cannot be used: {error.strerror}.",
            remedy="Set FOVEAL_HOME (or --home) to a folder of yours.",
        ) from None
    return open_engine(settings.database.get_secret_value() or f"sqlite:///{settings.home / 'catalog.sqlite'}")


def open_model_cache(settings: Settings, engine: Engine) -> ModelCache:
    """Results of models: a file of their own beside a SQLite catalog, else the same database, for all machines."""
    from foveal.stores.model_cache import SqlModelCache

    shared = engine.dialect.name != "sqlite"
    return SqlModelCache(engine if shared else settings.home / "model-cache.sqlite")


def described(engine: Engine) -> str:
    """What a person is told of it; no password."""
    from foveal.stores.sql_engine import reading, shown

    if engine.dialect.name == "sqlite":
        return f"SQLite, {engine.url.database}"
    with reading(engine, "The database") as connection:
        version = ".".join(str(part) for part in connection.dialect.server_version_info or ())
    return f"PostgreSQL {version}, {shown(engine.url)}"
