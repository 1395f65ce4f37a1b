"""`python main.py invitations create|show|revoke`: links that bind a chat to an order.

A link is shown once, when it is made: we keep no token, so nobody can look it up later. Made again for the same order it is
another one, and both lead in until they end.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.api import views
from gateway.api.fields import names_of, problems_of
from gateway.api.inviting import InvitationBody, Inviting, inviting_of, shown, with_links
from gateway.app import open_runtime
from gateway.cli import arguments, talk
from gateway.cli.dialogue import Dialogue
from gateway.errors import BadInput
from gateway.planning.waysin_links import qr_png, qr_svg
from gateway.settings import Settings

MAKER = "command line"


def add_parser(commands: Any) -> None:
    group = arguments.group(commands, "invitations", help="links that bind a chat to an order")
    create = arguments.command(
        group,
        "create",
        help="make a link that binds a chat to an order",
        about="The links are shown this once. Whoever comes by one first is bound to the order, so hand it to the right person.",
        example="invitations create --order ZX4299 --brand zz --language nl --consent journey=journey-nl-3",
    )
    create.add_argument("--order", metavar="NUMBER", help="the order's number, as its events write it")
    create.add_argument("--entity", metavar="TYPE:ENTITY", help="a flight or trip, such as flight:ZZ1007/2026-11-22/AMS")
    create.add_argument("--customer", type=arguments.not_a_number, metavar="NUMBER", help="whose order it is; - asks hidden")
    create.add_argument("--passenger", metavar="KEY", help="which passenger of the order, as its events write it")
    create.add_argument("--role", choices=("booker", "passenger", "customer"))
    create.add_argument("--brand", metavar="BRAND", help="who invites (default: GATEWAY_BRAND)")
    create.add_argument("--language", default="nl", metavar="TAG", help="such as nl or en-GB (default: nl)")
    create.add_argument("--reason", choices=("ticket", "updates"), default="updates", help="what is promised (default: updates)")
    create.add_argument("--proof", choices=("app_login", "otp", "none"), default="none", help="how its holder was identified")
    create.add_argument(
        "--consent", action="append", default=[], metavar="PURPOSE=WORDING",
        help="what opening the chat agrees to; may be repeated",
    )  # fmt: skip
    create.add_argument("--channel", action="append", metavar="CHANNEL", help="only these; may be repeated (default: all)")
    create.add_argument("--until", type=arguments.moment, metavar="TIME", help="30d or a time (default: the end of the order)")
    create.add_argument("--qr", type=Path, metavar="PATH", help="write its QR code there, as .svg or .png")
    create.set_defaults(work=talk.command(run_create))
    show = arguments.command(group, "show", help="how far an invitation came", example="invitations show i07...")
    show.add_argument("invitation", metavar="INVITATION", help="our id, i07...")
    show.set_defaults(work=talk.command(run_show))
    revoke = arguments.command(
        group, "revoke", help="let nobody come in by it any more", about="Whoever came by it before stays.",
        example="invitations revoke i07...",
    )  # fmt: skip
    revoke.add_argument("invitation", metavar="INVITATION", help="our id, i07...")
    revoke.set_defaults(work=talk.command(run_revoke))


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Inviting]:
    async with open_runtime(settings) as runtime:
        yield inviting_of(runtime)


async def run_create(args: argparse.Namespace, settings: Settings, out: Dialogue) -> int:
    if args.qr is not None and args.qr.suffix not in (".svg", ".png"):
        args.fail("--qr: should end in .svg or .png")
    customer = args.customer
    if customer == "-":
        customer = (await out.ask_hidden("Customer number")).reveal()
    async with _open(settings) as inviting:
        body = _body(args, customer, inviting.clock.now_ms())
        made, links, _ = await inviting.make(body, MAKER)
        answer = with_links(made, links, inviting.clock.now_ms())
    if args.qr is not None:
        if args.qr.suffix == ".svg":
            args.qr.write_text(qr_svg(links.best or ""), encoding="utf-8")
        else:
            args.qr.write_bytes(qr_png(links.best or ""))
    if args.json:
        out.show(json.dumps(answer, ensure_ascii=False))
        return 0
    out.show(f"invitation  {made.id}, until {views.iso(made.until_ms)}")
    if links.short:
        out.show(f"page        {links.short}")
    for channel, url in links.channels.items():
        out.show(f"{channel:<11} {url}")
    out.show(f"code        {links.code}")
    if args.qr is not None:
        out.show(f"QR code     {args.qr}")
    if not links.short:
        out.show("No page: GATEWAY_PUBLIC_URL is not set.")
    return 0


def _body(args: argparse.Namespace, customer: str | None, now_ms: int) -> InvitationBody:
    """The same body that the API takes, with the same checks. Raises BadInput."""
    kind, _, entity = (args.entity or "").partition(":")
    subject: dict[str, Any] = {"order": args.order}
    if args.entity:
        subject |= {"type": kind, "entity": entity}
    value = {
        "origin": "agency",
        "reason": args.reason,
        "subject": subject,
        "customerId": customer,
        "passenger": args.passenger,
        "role": args.role,
        "language": args.language,
        "brand": args.brand,
        "channels": args.channel,
        "proof": args.proof,
        "consents": [dict(zip(("purpose", "wording"), one.partition("=")[::2], strict=True)) for one in args.consent],
        "validUntil": views.iso(args.until.after(now_ms)) if args.until else None,
    }
    try:
        return InvitationBody.model_validate({name: one for name, one in value.items() if one is not None})
    except ValidationError as error:
        raise BadInput(problems_of(error, names_of(InvitationBody))) from None


async def run_show(args: argparse.Namespace, settings: Settings, out: Dialogue) -> int:
    async with _open(settings) as inviting:
        found = shown(await inviting.get(args.invitation), inviting.clock.now_ms())
    if args.json:
        out.show(json.dumps(found))
        return 0
    for name in ("id", "state", "brand", "reason", "origin", "proof", "language"):
        out.show(f"{name:<12}{found[name]}")
    out.show(f"{'channels':<12}{', '.join(found['channels'])}")
    for name in ("made_at", "valid_until", "claimed_at", "bound_at", "revoked_at", "contact", "address"):
        if found[name]:
            out.show(f"{name.replace('_', ' '):<12}{found[name]}")
    return 0


async def run_revoke(args: argparse.Namespace, settings: Settings, out: Dialogue) -> int:
    async with _open(settings) as inviting:
        await inviting.revoke(args.invitation)
        found = shown(await inviting.get(args.invitation), inviting.clock.now_ms())
    out.show(json.dumps(found) if args.json else f"{args.invitation} is revoked: nobody comes in by it any more.")
    return 0
