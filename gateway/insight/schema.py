"""The shape of the history's tables, and how an older one becomes this one: Alembic's migrations, in migrations/versions/.

Whoever opens the history looks at one row; only where that says another shape than ours is Alembic loaded and the rest done, in
one transaction that nobody else may begin meanwhile. So two processes may start at once, and one that dies half way leaves the
old shape whole. A history from before shapes had numbers has the tables of the first one, or some of them, and becomes it
without losing a row: that step makes only what is missing.

A shape only ever gains tables, columns that may be empty and indexes within one major version: the version before this one goes
on with a history that this one has opened, as long as it runs. Started anew it refuses (SchemaNewer), as it cannot know what it
would break.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from gateway.errors import StoreRefused

HEAD = "0002"
"""The shape of this version; a test holds it against migrations/versions/."""
UPGRADE_S = 300.0
"""So long a new shape may take: years of facts may get an index."""
_LOCK = 0x7468_7569
"""PostgreSQL's number for the lock under which a shape changes; ours alone in this database."""
_HERE = Path(__file__).parent / "migrations"
_TABLE = "alembic_version"


class SchemaNewer(StoreRefused):
    """A younger version of the gateway gave the history a shape that this one does not know."""


def version_of(connection: Connection) -> str:
    """The number of the shape, "" where it has none yet."""
    if not sql.inspect(connection).has_table(_TABLE):
        return ""
    held = connection.execute(sql.text(f"SELECT version_num FROM {_TABLE}")).scalar()  # noqa: S608 - a name of ours
    return str(held or "")


def known() -> list[str]:
    """All shapes, oldest first."""
    return sorted(path.name[:4] for path in (_HERE / "versions").glob("[0-9]*.py"))


def check(version: str) -> None:
    """Raises SchemaNewer for a shape that is not known here."""
    if version and version not in known():
        raise SchemaNewer(
            f"the history has shape {version}, and this version knows up to {HEAD}: run the newer version of the gateway that "
            "made it, or restore the history from before"
        )


def upgrade(connection: Connection) -> None:
    """Bring the tables to `HEAD`, under a lock. Raises SchemaNewer."""
    from alembic import command
    from alembic.config import Config

    connection.rollback()  # what was read until now began a transaction without the lock
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(UPGRADE_S * 1000)}")
        connection.execute(sql.select(sql.func.pg_advisory_xact_lock(_LOCK)))
    found = version_of(connection)  # somebody else may have been faster
    check(found)
    if found == HEAD:
        return
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)


def table_missing(connection: Any, name: str) -> bool:
    """For migrations: whether a table is still to be made."""
    return not sql.inspect(connection).has_table(name)
