"""A sealed body and a verdict -> what a connector is asked to say. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.connector import ChannelFacts
from gateway.model.message import Button, ButtonKind, Choice, ChoiceList, Content, Document, Link, ListRow, Media, Template, Text
from gateway.model.personal import Personal
from gateway.rules.verdict import AsTemplate, FreeText

_WORD = re.compile(r"\w+")


def said(body: Mapping[str, Any]) -> str:
    """The words of a body as one text: for the desk, the phones and the record."""
    if body.get("kind") == "reply":
        return str(body["content"]["body"])
    return "\n\n".join(str(part) for part in (body.get("header"), body.get("text"), body.get("footer")) if part)


def unsaid(words: str, body: Mapping[str, Any]) -> str:
    """The channel's words about an error without those that this message said: they may repeat a name, a code, a sentence."""
    said_by_us = [str(text) for form in body.get("forms") or [] for part in ("header", "body") for text in form[part].values()]
    said_by_us.append(str((body.get("content") or {}).get("body") or ""))
    ours = {word for text in said_by_us for word in _WORD.findall(text.casefold())}
    return _WORD.sub(lambda found: "…" if found[0].casefold() in ours else found[0], words)


def form_of(body: Mapping[str, Any], verdict: AsTemplate) -> Mapping[str, Any]:
    """The form that was planned for this template; KeyError when there is none."""
    for form in body["forms"]:
        if form["name"] == verdict.name and form["language"] == verdict.language:
            return dict(form)
    raise KeyError(verdict.name)


def _buttons(body: Mapping[str, Any]) -> tuple[Button, ...]:
    return tuple(
        Button(
            kind=ButtonKind(one["kind"]),
            label=one["label"],
            payload=one.get("payload") or "",
            url=one.get("url") or "",
            url_suffix=one.get("suffix"),
        )
        for one in body.get("buttons") or []
    )


def content_of(
    body: Mapping[str, Any], verdict: FreeText | AsTemplate, facts: ChannelFacts, document: tuple[Document, Personal] | None
) -> Content:
    """What to say: an approved template outside the service window, free text of the same words inside.

    document: the message's document and its media id, uploaded for this person
    """
    if body["kind"] == "reply" and document is not None and isinstance(verdict, FreeText):
        words = str(body["content"]["body"])
        return Media(document[0], caption=Personal(words) if words else None, media_id=document[1])
    buttons = _buttons(body)
    if body["kind"] == "reply" and isinstance(verdict, FreeText):
        text = Personal(body["content"]["body"])
        fits = len(text.reveal()) <= facts.interactive_text_max
        if len(buttons) > facts.buttons_max and fits:
            rows = tuple(ListRow(one.payload, one.label) for one in buttons)
            return ChoiceList(body=text, button=str(body.get("choose") or "…"), sections=(("", rows),))
        return Choice(body=text, buttons=buttons) if buttons and fits else Text(text, preview_url=False)
    if isinstance(verdict, AsTemplate):
        form = form_of(body, verdict)
        return Template(
            name=verdict.name,
            language=verdict.language,
            header_parameters={name: Personal(text) for name, text in form["header"].items()},
            body_parameters={name: Personal(text) for name, text in form["body"].items()},
            header_document=document[0] if document else None,
            media_id=document[1] if document else None,
            buttons=buttons,
        )
    return _free(body, buttons, facts, document)


def _free(
    body: Mapping[str, Any], buttons: tuple[Button, ...], facts: ChannelFacts, document: tuple[Document, Personal] | None
) -> Content:
    replies = tuple(one for one in buttons if one.kind is ButtonKind.REPLY)[: facts.buttons_max]
    links = [one for one in buttons if one.kind is ButtonKind.URL]
    header = Personal(body["header"]) if body.get("header") and document is None else None
    footer = Personal(body["footer"]) if body.get("footer") else None
    # Only a message of nothing but words and one link has a button for it: everywhere else the link stands in the words.
    beside = "".join(f"\n\n{one.label}: {one.url}" for one in links) if replies or document else ""
    text = Personal(str(body["text"]) + beside)
    # An interactive message holds less than a plain one; words that do not fit go out plain, without their buttons.
    fits = len(text.reveal()) <= facts.interactive_text_max
    if replies and fits and (document is None or facts.captions):
        return Choice(
            body=text,
            buttons=replies,
            header=header,
            footer=footer,
            header_document=document[0] if document else None,
            media_id=document[1] if document else None,
        )
    whole = Personal(said(body) + beside)
    if document is not None:  # where it can have no caption, the words went before it
        caption = Personal(_cut(said(body), beside, facts.caption_max)) if facts.captions else None
        return Media(document[0], caption=caption, media_id=document[1])
    if links and fits:
        return Link(body=text, label=links[0].label, url=Personal(links[0].url), header=header, footer=footer)
    return Text(whole)


def _cut(words: str, beside: str, longest: int) -> str:
    """Words that are too long lose their end; the link behind them stays whole."""
    return words[: longest - len(beside)] + beside
