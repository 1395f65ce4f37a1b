"""The tables of what people said and what was done about it: closed conversations, their lines and words, touches, the audit.

Plain: ids of ours, brands, queues, times, counts, reasons. Sealed with the contact's key: every text, and what a line carries;
without that key, destroyed by an erasure, nothing of it can be read. words: keyed hashes, see index_words.py.
"""

from __future__ import annotations

import sqlalchemy as sql

from gateway.insight.tables import metadata

conversations_table = sql.Table(
    "conversations",
    metadata,
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
    sql.Index("conversations_contact", "contact", "opened_ms"),
    sql.Index("conversations_resolved", "resolved_ms"),
)
entries_table = sql.Table(
    "entries",
    metadata,
    sql.Column("conversation", sql.String, primary_key=True),
    sql.Column("place", sql.String, primary_key=True),
    sql.Column("at_ms", sql.BigInteger, nullable=False),
    sql.Column("head", sql.String, nullable=False),
    sql.Column("body", sql.LargeBinary, nullable=False),
    sql.Index("entries_at", "at_ms"),
)
words_table = sql.Table(
    "words",
    metadata,
    sql.Column("brand", sql.String, primary_key=True),
    sql.Column("token", sql.String, primary_key=True),
    sql.Column("at_ms", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("conversation", sql.String, primary_key=True),
    sql.Column("place", sql.String, primary_key=True),
    sql.Index("words_conversation", "conversation"),
    sql.Index("words_at", "at_ms"),
)
touches_table = sql.Table(
    "touches",
    metadata,
    sql.Column("id", sql.String, primary_key=True),
    sql.Column("contact", sql.String, nullable=False),
    sql.Column("brand", sql.String, nullable=False),
    sql.Column("channel", sql.String, nullable=False),
    sql.Column("direction", sql.String, nullable=False),
    sql.Column("at_ms", sql.BigInteger, nullable=False),
    sql.Column("reason", sql.String, nullable=False),
    sql.Column("digest", sql.String, nullable=False),
    sql.Column("body", sql.LargeBinary, nullable=False),
    sql.Index("touches_contact", "contact", "at_ms"),
    sql.Index("touches_at", "at_ms"),
)
audit_table = sql.Table(
    "audit",
    metadata,
    sql.Column("partition", sql.SmallInteger, primary_key=True, autoincrement=False),
    sql.Column("stream_id", sql.String, primary_key=True),
    sql.Column("at_ms", sql.BigInteger, nullable=False),
    sql.Column("what", sql.String, nullable=False),
    sql.Column("agent", sql.String, nullable=False),
    sql.Column("about", sql.String, nullable=False),
    sql.Column("detail", sql.JSON, nullable=False),
    sql.Index("audit_at", "at_ms"),
    sql.Index("audit_agent", "agent", "at_ms"),
)
marks_table = sql.Table(
    "marks",
    metadata,
    sql.Column("name", sql.String, primary_key=True),
    sql.Column("value", sql.BigInteger, nullable=False),
)
