"""Alembic migrations of the catalog, run when it is opened."""
