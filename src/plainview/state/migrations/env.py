"""Alembic's environment: the connection comes from `plainview.state.database`, which runs this."""

from __future__ import annotations

from alembic import context

from plainview.state.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
