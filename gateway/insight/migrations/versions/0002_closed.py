"""Closed conversations with their lines and the words that find them, touches by other ways, the audit."""

from __future__ import annotations

import sqlalchemy as sql
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

REFUSED = "the audit is only ever added to"
YOUNG_S = 365 * 24 * 3600
"""What is younger than this cannot even be forgotten."""


def upgrade() -> None:
    op.create_table(
        "conversations",
        sql.Column("id", sql.String, primary_key=True),
        sql.Column("contact", sql.String, nullable=False),
        sql.Column("brand", sql.String, nullable=False),
        sql.Column("queue", sql.String, nullable=False),
        sql.Column("sender", sql.String, nullable=False),
        sql.Column("opened_ms", sql.BigInteger, nullable=False),
        sql.Column("resolved_ms", sql.BigInteger, nullable=False),
        sql.Column("reason", sql.String, nullable=False),
        sql.Column("agent", sql.String, nullable=False),
        sql.Column("transfers", sql.Integer, nullable=False),
        sql.Column("reopened", sql.Integer, nullable=False),
        sql.Column("complaint", sql.Boolean, nullable=False),
        sql.Column("revision", sql.Integer, nullable=False),
        sql.Column("last", sql.String, nullable=False),
        sql.Column("header", sql.JSON, nullable=False),
    )
    op.create_index("conversations_contact", "conversations", ["contact", "opened_ms"])
    op.create_index("conversations_resolved", "conversations", ["resolved_ms"])
    op.create_table(
        "entries",
        sql.Column("conversation", sql.String, primary_key=True),
        sql.Column("place", sql.String, primary_key=True),
        sql.Column("at_ms", sql.BigInteger, nullable=False),
        sql.Column("head", sql.String, nullable=False),
        sql.Column("body", sql.LargeBinary, nullable=False),
    )
    op.create_index("entries_at", "entries", ["at_ms"])
    op.create_table(
        "words",
        sql.Column("brand", sql.String, primary_key=True),
        sql.Column("token", sql.String, primary_key=True),
        sql.Column("at_ms", sql.BigInteger, primary_key=True, autoincrement=False),
        sql.Column("conversation", sql.String, primary_key=True),
        sql.Column("place", sql.String, primary_key=True),
    )
    op.create_index("words_conversation", "words", ["conversation"])
    op.create_index("words_at", "words", ["at_ms"])
    op.create_table(
        "touches",
        sql.Column("id", sql.String, primary_key=True),
        sql.Column("contact", sql.String, nullable=False),
        sql.Column("brand", sql.String, nullable=False),
        sql.Column("channel", sql.String, nullable=False),
        sql.Column("direction", sql.String, nullable=False),
        sql.Column("at_ms", sql.BigInteger, nullable=False),
        sql.Column("reason", sql.String, nullable=False),
        sql.Column("digest", sql.String, nullable=False),
        sql.Column("body", sql.LargeBinary, nullable=False),
    )
    op.create_index("touches_contact", "touches", ["contact", "at_ms"])
    op.create_index("touches_at", "touches", ["at_ms"])
    op.create_table(
        "audit",
        sql.Column("partition", sql.SmallInteger, primary_key=True, autoincrement=False),
        sql.Column("stream_id", sql.String, primary_key=True),
        sql.Column("at_ms", sql.BigInteger, nullable=False),
        sql.Column("what", sql.String, nullable=False),
        sql.Column("agent", sql.String, nullable=False),
        sql.Column("about", sql.String, nullable=False),
        sql.Column("detail", sql.JSON, nullable=False),
    )
    op.create_index("audit_at", "audit", ["at_ms"])
    op.create_index("audit_agent", "audit", ["agent", "at_ms"])
    op.create_table(
        "marks",
        sql.Column("name", sql.String, primary_key=True),
        sql.Column("value", sql.BigInteger, nullable=False),
    )
    _only_added()


def _only_added() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER audit_kept BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )
        op.execute(
            "CREATE TRIGGER audit_not_dropped BEFORE DELETE ON audit "
            f"WHEN OLD.at_ms > (CAST(strftime('%s', 'now') AS INTEGER) - {YOUNG_S}) * 1000 "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSED}'; END $$"
    )
    op.execute("CREATE TRIGGER audit_kept BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse()")
    op.execute(
        "CREATE TRIGGER audit_not_dropped BEFORE DELETE ON audit FOR EACH ROW "
        f"WHEN (OLD.at_ms > (extract(epoch FROM now()) - {YOUNG_S}) * 1000) EXECUTE FUNCTION audit_refuse()"
    )
    op.execute("CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON audit EXECUTE FUNCTION audit_refuse()")
