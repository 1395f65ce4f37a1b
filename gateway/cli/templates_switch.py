"""`templates switch`: send a version now, although the channel has not approved it in every language.

For the day on which the old words cannot wait: the channel disabled them in one language, or they say something wrong. A
language in which the chosen version is not approved goes on with the older one, where that is. There is no way back to an older
version: its words, under a new number, are a new version.
"""

from __future__ import annotations

import argparse
from typing import Any

from gateway import directory as directories
from gateway.cli import arguments, asking, opening, printing
from gateway.cli.templates_versions import joined
from gateway.connector import Sender
from gateway.directory import Directory
from gateway.errors import NotFound
from gateway.notifications import catalogue as catalogues
from gateway.notifications import versions
from gateway.notifications.model import Notification
from gateway.planning.wordsused import approving, speaker_of
from gateway.store.senders import Senders


def add_parser(group: Any) -> None:
    parser = arguments.command(
        group,
        "switch",
        help="send the newest version of a notification's words now, before it is approved in every language",
        about=(
            "By itself a new version is sent when the channel has approved it in every language in use. Where that cannot be\n"
            "waited for: languages in which it is not approved go on with the older version. There is no way back."
        ),
        example="templates switch gate_changed",
        yes=True,
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--sender", metavar="ID", help="one of our senders (default: all)")
    parser.set_defaults(work=_switch)


def _switch(args: argparse.Namespace) -> int:
    settings = opening.read_settings()
    catalogue = catalogues.load(settings.templates_dir)
    directory = directories.read(settings)
    notification = catalogue.get(args.name)
    if notification is None:
        raise NotFound(f"no notification {args.name}; there are {', '.join(catalogue.names)}")
    chosen = _chosen(directory, args.sender)
    version = max(versions.versions_of(notification), default=0)

    async def work() -> int:
        rows: list[dict[str, Any]] = []
        async with opening.open_store(settings) as opened:
            senders = Senders(opened.connection.redis, opened.clock)
            for sender in chosen:
                stored = (await senders.versions(sender.id)).get(notification.name)
                speaker = speaker_of(directory, catalogue, sender)
                approved = approving(await senders.templates(sender.id), notification)
                lacks = versions.lacking(notification, version, speaker, approved)
                said = {one.language for one in versions.in_use(notification, version, speaker)} - set(lacks)
                if stored is not None and stored.version >= version:
                    rows.append({"sender": sender.id, "version": stored.version, "switched": False})
                    _tell(args, f"{sender.id}: version {stored.version} of {notification.name} is sent already.")
                    continue
                if not said:
                    rows.append({"sender": sender.id, "version": stored.version if stored else 0, "switched": False})
                    _tell(args, f"{sender.id}: the channel has approved version {version} of {notification.name} in no language.")
                    continue
                if not await asking.sure(_question(notification, sender, version, said, lacks), yes=args.yes):
                    _tell(args, "Nothing was switched.")
                    return 1
                languages = tuple(sorted(said))
                done = await senders.switch(sender.id, notification.name, version, languages=languages, who=arguments.login())
                rows.append({"sender": sender.id, "version": version, "switched": done})
                _tell(args, f"{sender.id}: version {version} of {notification.name} is sent from now on.")
        if args.json:
            printing.as_json({"notification": notification.name, "senders": rows})
        return int(not any(row["switched"] or row["version"] >= version for row in rows))

    return opening.run(work)


def _chosen(directory: Directory, wanted: str | None) -> list[Sender]:
    found = [one for one in directory if wanted in (None, one.id)]
    if not found:
        raise NotFound(f"no sender {wanted}; there are {', '.join(one.id for one in directory) or 'none'}")
    return found


def _question(
    notification: Notification, sender: Sender, version: int, said: set[str], lacks: tuple[str, ...]
) -> str:
    rest = f", {joined(lacks)} by an older one where that is approved" if lacks else ""
    return f"From now on {sender.id} says {notification.name} in {joined(sorted(said))} by version {version}{rest}. Switch?"


def _tell(args: argparse.Namespace, words: str) -> None:
    if not args.json:
        print(words)
