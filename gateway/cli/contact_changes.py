"""`python main.py contacts set|consent|follow|unfollow`: change what we know of a person, by hand.

The same rules as the API's: a grant needs a known wording and what shows it, and the later word of the person wins. Somebody is
named by our id, or with `-`, which asks without showing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.api.people import People
from gateway.api.subscriptions import DAY_MS, DEFAULT_DAYS, KINDS
from gateway.cli import talk
from gateway.cli.dialogue import Dialogue
from gateway.errors import BadInput, NotFound, Problem
from gateway.model.contact import ConsentEntry, Contact
from gateway.model.personal import Personal
from gateway.rules.states import instant_ms

PURPOSES = ("journey", "service", "family", "survey", "offers")
Work = Callable[[argparse.Namespace, People, Contact, Dialogue], Awaitable[int]]
Bind = Callable[[Work], talk.Work]
"""Gives a change the open store and the contact that is meant."""


def add_parsers(parts: Any, who: str, bind: Bind) -> None:
    basics = parts.add_parser("set", help="change language, time zone or the order of channels")
    basics.add_argument("who", metavar="CONTACT", help=who)
    basics.add_argument("--language", metavar="TAG", help="such as nl-NL")
    basics.add_argument("--timezone", metavar="ZONE", help="such as Europe/Amsterdam")
    basics.add_argument("--channels", metavar="A,B", help="where they want to be reached, first one first; '' takes it back")
    basics.set_defaults(work=talk.command(bind(run_set)))

    consent = parts.add_parser("consent", help="write down what a person agreed to, or withdrew")
    consent.add_argument("who", metavar="CONTACT", help=who)
    said = consent.add_mutually_exclusive_group(required=True)
    said.add_argument("--grant", action="store_true", help="they agreed")
    said.add_argument("--withdraw", action="store_true", help="they want no more of it")
    consent.add_argument("--purpose", required=True, choices=PURPOSES)
    consent.add_argument("--channel", default="whatsapp")
    consent.add_argument("--brand", required=True)
    consent.add_argument("--how", required=True, metavar="WORD", help="such as telephone, letter, counter")
    consent.add_argument("--wording", metavar="ID", help="what they were asked (templates/wordings); needed to grant")
    consent.add_argument("--evidence", metavar="TEXT", help="what shows it; needed to grant. - asks without showing")
    consent.add_argument("--at", metavar="TIME", help="when they said it, such as 2026-11-22T10:00:00+01:00 (default: now)")
    consent.set_defaults(work=talk.command(bind(run_consent)))

    for name, text, work in (
        ("follow", "let a person hear about a flight, trip or order", run_follow),
        ("unfollow", "let a person hear no more about it", run_unfollow),
    ):
        part = parts.add_parser(name, help=text)
        part.add_argument("who", metavar="CONTACT", help=who)
        part.add_argument("type", choices=sorted(KINDS))
        part.add_argument("entity", metavar="ENTITY", help="as the source writes it, such as ZZ1007/2026-11-22/AMS")
        if name == "follow":
            part.add_argument("--order", required=True, metavar="NUMBER", help="the order it belongs to, which texts may name")
            part.add_argument("--brand", help="who speaks (default: GATEWAY_BRAND)")
            days = f"for how long (default {DEFAULT_DAYS})"
            part.add_argument("--days", type=int, default=DEFAULT_DAYS, metavar="N", help=days)
        part.set_defaults(work=talk.command(bind(work)))


async def run_set(args: argparse.Namespace, people: People, contact: Contact, out: Dialogue) -> int:
    if args.language is None and args.timezone is None and args.channels is None:
        raise BadInput([Problem("--language", "or --timezone or --channels should be given")])
    if args.channels is not None:
        await people.set_wish(contact.id, [one.strip() for one in args.channels.split(",") if one.strip()])
    await people.set_language(contact.id, args.language, args.timezone)
    out.show(f"contact {contact.id}: written")
    return 0


async def run_consent(args: argparse.Namespace, people: People, contact: Contact, out: Dialogue) -> int:
    at_ms = people.clock.now_ms() if args.at is None else instant_ms(args.at)
    if at_ms is None:
        raise BadInput([Problem("--at", "should be a time with its offset, such as 2026-11-22T10:00:00+01:00")])
    evidence = (await out.ask_hidden("What shows it")).reveal() if args.evidence == "-" else args.evidence
    entry = ConsentEntry(
        purpose=args.purpose,
        channel=args.channel,
        brand=args.brand,
        granted=args.grant,
        at_ms=at_ms,
        how=args.how,
        wording=args.wording,
        evidence=Personal(evidence) if evidence else None,
    )
    problems = [Problem(f"--{one.field}", one.message) for one in people.consent_problems(entry, "")]
    if problems:
        raise BadInput(problems)
    newer = (await people.set_consents(contact, [entry]))[0]
    word = "agreed to" if entry.granted else "withdrew"
    if newer:
        out.show(f"contact {contact.id}: {word} {args.purpose} of {args.brand} on {args.channel}")
    else:
        out.show("nothing changed: a later word of theirs is known")
    return 0


async def run_follow(args: argparse.Namespace, people: People, contact: Contact, out: Dialogue) -> int:
    subject = people.vault.subject_id(args.type, args.entity)
    until_ms = people.clock.now_ms() + args.days * DAY_MS
    brand = args.brand or people.default_brand
    answer = await people.follow(
        contact, subject, reference=args.order, kind=KINDS[args.type], brand=brand, until_ms=until_ms
    )
    out.show(json.dumps({"contact": contact.id, "subject": subject, "answer": answer}))
    return 0


async def run_unfollow(args: argparse.Namespace, people: People, contact: Contact, out: Dialogue) -> int:
    subject = people.vault.subject_id(args.type, args.entity)
    if not await people.unfollow(contact, subject):
        raise NotFound("this contact does not hear about that")
    out.show(json.dumps({"contact": contact.id, "subject": subject, "answer": "removed"}))
    return 0
