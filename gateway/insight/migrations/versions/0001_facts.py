"""Facts, what finds them, positions, pending messages and costs.

The same tables that `create_all` made before shapes had numbers; a history that has some of them gets the rest.
"""

from __future__ import annotations

import sqlalchemy as sql
from alembic import op

from gateway.insight.schema import table_missing

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    here = op.get_bind()
    if table_missing(here, "facts"):
        op.create_table(
            "facts",
            sql.Column("partition", sql.SmallInteger, primary_key=True),
            sql.Column("stream_id", sql.String, primary_key=True),
            sql.Column("at_ms", sql.BigInteger, nullable=False),
            sql.Column("kind", sql.String, nullable=False),
            sql.Column("ids", sql.String, nullable=False),
            sql.Column("detail", sql.JSON, nullable=False),
        )
        op.create_index("facts_at", "facts", ["at_ms"])
        op.create_index("facts_kind_at", "facts", ["kind", "at_ms"])
    if table_missing(here, "fact_ids"):
        op.create_table(
            "fact_ids",
            sql.Column("id", sql.String, primary_key=True),
            sql.Column("partition", sql.SmallInteger, primary_key=True),
            sql.Column("stream_id", sql.String, primary_key=True),
            sql.Column("at_ms", sql.BigInteger, nullable=False),
        )
        op.create_index("fact_ids_at", "fact_ids", ["at_ms"])
    if table_missing(here, "positions"):
        op.create_table(
            "positions",
            sql.Column("partition", sql.SmallInteger, primary_key=True, autoincrement=False),
            sql.Column("stream_id", sql.String, nullable=False),
            sql.Column("high", sql.String, nullable=False),
        )
    if table_missing(here, "pending"):
        op.create_table(
            "pending",
            sql.Column("message", sql.String, primary_key=True),
            sql.Column("partition", sql.SmallInteger, nullable=False),
            sql.Column("stream_id", sql.String, nullable=False),
            sql.Column("at_ms", sql.BigInteger, nullable=False),
            sql.Column("due_ms", sql.BigInteger, nullable=False),
            sql.Column("kind", sql.String, nullable=False),
            sql.Column("reason", sql.String, nullable=False),
            sql.Column("notification", sql.String, nullable=False),
            sql.Column("ids", sql.String, nullable=False),
        )
        op.create_index("ix_pending_partition", "pending", ["partition"])
    if table_missing(here, "costs"):
        op.create_table(
            "costs",
            sql.Column("message", sql.String, primary_key=True),
            sql.Column("at_ms", sql.BigInteger, nullable=False),
            sql.Column("notification", sql.String, nullable=False),
            sql.Column("sender", sql.String, nullable=False),
            sql.Column("channel", sql.String, nullable=False),
            sql.Column("brand", sql.String, nullable=False),
            sql.Column("country", sql.String, nullable=False),
            sql.Column("category", sql.String, nullable=False),
            sql.Column("currency", sql.String, nullable=False),
            sql.Column("expected", sql.BigInteger, nullable=True),
            sql.Column("said", sql.String, nullable=False),
            sql.Column("said_category", sql.String, nullable=False),
            sql.Column("failed", sql.Boolean, nullable=False),
        )
        op.create_index("costs_at", "costs", ["at_ms"])
