"""Alembic's way in: the migrations run on the connection, and within the transaction and the lock, that schema.py hands over."""

from __future__ import annotations

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=None)
context.run_migrations()
