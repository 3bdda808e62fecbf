"""Run by Alembic inside the transaction that `foveal.stores.catalog` holds."""

from __future__ import annotations

from alembic import context

from foveal.stores.catalog_tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()
