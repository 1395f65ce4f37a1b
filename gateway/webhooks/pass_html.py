"""The travel page as HTML, from 320 px on, light and dark, with and without script. Pure; every value is escaped.

`closed` is what anybody sees: the brand, "your travel document", and at most a form. `opened` is what the device sees that proved
itself. Style and script stand in the page and are named in its Content-Security-Policy by their hashes; nothing else is loaded.
The code lies on white in the dark as well; a tap makes it fill the screen by `:target`, so that it does without script too.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path

from gateway.notifications.brands import Look
from gateway.webhooks.pass_view import Part, Say, Value, View, say_in
from gateway.webhooks.pass_words import NAMES

_FOLDER = Path(__file__).parent
STYLE = (_FOLDER / "pass_page.css").read_text(encoding="utf-8")
SCRIPT = (_FOLDER / "pass_page.js").read_text(encoding="utf-8")
EVERY_S = 60
"""How often an open page asks what is new."""
ROOM = 36_000
"""How many bytes of codes stand in one page; the others follow on further ones. The whole stays under 60 kB."""
_HELPED = ("shut", "other", "unknown")
"""Where only people can help, and the way to them is the one button."""
LONG = 9
"""A large value of more characters than this is set smaller."""
ROW = 12
"""A small one of more has a row of its own."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page has. here: its own path; support: where people help, "" nowhere"""

    language: str
    brand: str
    look: Look
    support: str
    here: str

    @property
    def say(self) -> Say:
        return say_in(self.language, brand=self.brand)


@dataclass(frozen=True, slots=True)
class Form:
    """label: both, name or digits; key: what shows that the form is ours; problem: why it is shown again, "" at first"""

    label: str
    key: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around an open document.

    codes:    SVGs, of which this page shows those from `first` on, as many as there is room for; "" for one that cannot be drawn
    place, count: of how many of its booking it is the which; previous, following: paths, "" for none
    offers:   kind -> path
    newest:   path of the issue that took its place, "" where it is the newest
    no_code:  it has one that cannot be shown now
    """

    codes: Sequence[str]
    first: int = 0
    place: int = 1
    count: int = 1
    previous: str = ""
    following: str = ""
    offers: Mapping[str, str] | None = None
    newest: str = ""
    key: str = ""
    no_code: bool = False


def headers(look: Look) -> dict[str, str]:
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": f"default-src 'none'; style-src '{_hash(_style(look))}'; script-src '{_hash(SCRIPT)}'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow, noarchive",
    }


def closed(frame: Frame, what: str, *, form: Form | None = None) -> str:
    """what: the text that heads it: title with a form, else shut, unknown, other, replaced, ended, missing, busy, let_go_done"""
    say = frame.say
    parts = [f"<h1>{escape(say(what))}</h1>"]
    if form is None and what != "let_go_done":
        parts.append(f"<p>{escape(say(f'{what}_what'))}</p>")
    if form is not None:
        parts += [f"<p>{escape(say('ask'))}</p>", _form(frame, form)]
    if what in _HELPED and frame.support:
        parts.append(f'<a class="go" href="{escape(frame.support)}" rel="noreferrer">{escape(say("help"))}</a>')
    title = escape(say("of", title=say(what)))
    if form is not None and form.problem:
        title = f"{escape(form.problem)} – {title}"
    return _page(frame, title, f'<div class="card">{"".join(parts)}</div>', help_too=what not in _HELPED)


def _form(frame: Frame, form: Form) -> str:
    say = frame.say
    bad = f'<p class="bad" id="bad" role="alert">{escape(form.problem)}</p>' if form.problem else ""
    about = ' aria-invalid="true" aria-describedby="bad once" autofocus' if form.problem else ' aria-describedby="once"'
    name = 'autocapitalize="words" autocomplete="family-name"'
    kind = 'inputmode="numeric" autocomplete="off"' if form.label == "digits" else name
    return (
        f'<form method="post" action="{escape(frame.here)}?lang={frame.language}">{bad}'
        f'<label for="said">{escape(say(form.label))}</label>'
        f'<input id="said" name="said" required maxlength="80" spellcheck="false" {kind}'
        f'{about}><input type="hidden" name="key" value="{escape(form.key)}"><button>{escape(say("open"))}</button>'
        f'<p class="soft" id="once">{escape(say("once"))}</p></form>'
    )


def opened(frame: Frame, view: View, around: Around) -> str:
    say = frame.say
    shown = _fitting(around.codes, around.first)
    parts = [
        _turn(say, around),
        f'<div id="now" data-url="{escape(frame.here)}/live?lang={frame.language}" data-every="{EVERY_S}">',
        f"{_news(say, view, around)}</div>",
        f'<p class="bad" id="offline" role="status" hidden>{escape(say("offline"))}</p>',
        f'<article class="card" id="pass"><h1><span aria-hidden="true">{escape(view.heading)}</span>'
        f'<span class="out">{escape(view.kind)}: {escape(view.spoken)}</span></h1>',
        f'<p class="soft">{escape(view.people)}</p>' if view.people else "",
        *(_part(say, place, one) for place, one in enumerate(view.parts)),
        *(_code(say, view, place, around.codes) for place in shown),
        f'<p class="bad">{escape(say("no_code"))}</p>' if around.no_code else "",
    ]
    if shown and shown[-1] + 1 < len(around.codes):
        parts.append(_more_codes(frame, shown[-1] + 2))
    if around.first:
        parts.append(_more_codes(frame, 1))
    parts += [
        *(_rest(say, place, one, len(view.parts)) for place, one in enumerate(view.parts)),
        _values(say, view.more),
        _table(view.lines),
        "".join(f"<p>{escape(note)}</p>" for note in view.notes),
        f'<p class="soft">{escape(view.hint)} <span id="asof" data-live>{escape(view.as_of)}</span></p>',
        "</article>",
        "".join(
            f'<a class="go half" href="{escape(path)}?lang={frame.language}" rel="nofollow">{escape(say(kind))}</a>'
            for kind, path in (around.offers or {}).items()
        ),
        _let_go(frame, around.key),
    ]
    script = f"<script>{SCRIPT}</script>"
    return _page(frame, escape(say("of", title=view.kind)), "".join(parts), script=script, kind=view.kind)


def live(frame: Frame, view: View, around: Around) -> str:
    """The parts of an open page that change, to be laid over those of the same id."""
    say = frame.say
    parts = [_news(say, view, around)]
    for place, one in enumerate(view.parts):
        parts += [_part(say, place, one), _rest(say, place, one, len(view.parts))]
    return f'{"".join(parts)}<span id="asof" data-live>{escape(view.as_of)}</span>'


def _news(say: Say, view: View, around: Around) -> str:
    said = [f"<p>{escape(one)}</p>" for one in view.news]
    if around.newest:
        link = f'<p><a class="go" href="{escape(around.newest)}">{escape(say("newest"))}</a></p>'
        said = [f"<p>{escape(say('replaced'))}</p>", f"<p>{escape(say('replaced_mine'))}</p>", link]
    alarm = " alarm" if view.alarm or around.newest else ""
    inner = f'<div class="news{alarm}">{"".join(said)}</div>' if said else ""
    return f'<div id="news" role="status" data-live>{inner}</div>'  # there from the start: what comes into it is read out


def _turn(say: Say, around: Around) -> str:
    if around.count < 2:
        return ""
    before, after = (
        f'<a href="{escape(path)}" rel="{rel}">{arrow[0]}{escape(say(word))}{arrow[1]}</a>' if path else "<span></span>"
        for path, rel, word, arrow in (
            (around.previous, "prev", "previous", ("← ", "")), (around.following, "next", "next", ("", " →")),
        )
    )  # fmt: skip
    middle = escape(say("pass_of", number=around.place, count=around.count))
    return f'<nav class="turn" aria-label="{escape(say("passes"))}">{before}<span>{middle}</span>{after}</nav>'


def _part(say: Say, place: int, one: Part) -> str:
    """What one looks for at the gate: it stands before the code, and the rest after it."""
    heading = " · ".join(escape(part) for part in (one.heading, one.under) if part)
    head = f"<h2>{f'<s>{heading}</s>' if one.off else heading}</h2>" if heading else ""
    return f'<section id="part-{place}" data-live>{head}{_values(say, [value for value in one.values if value.large])}</section>'


def _rest(say: Say, place: int, one: Part, count: int) -> str:
    small = [value for value in one.values if not value.large]
    head = f"<h2>{escape(one.heading)}</h2>" if count > 1 and small and one.heading else ""
    return f'<section id="rest-{place}" data-live>{head}{_values(say, small)}</section>'


def _values(say: Say, values: Sequence[Value]) -> str:
    inner = "".join(_value(say, one) for one in values)
    large = ' class="large"' if values and values[0].large else ""
    return f"<dl{large}>{inner}</dl>" if inner else ""


def _value(say: Say, one: Value) -> str:
    """What is struck out is said to be so as well: few screen readers tell."""
    long = ' class="long"' if one.large and len(one.text) > LONG else ""
    row = ' class="row"' if not one.large and len(one.text) > ROW else ""
    was = now = ""
    if one.was:
        was = f'<s><span class="out">{escape(say("was"))} </span>{escape(one.was)}</s>'
        now = f'<span class="out">{escape(say("now"))} </span>'
    return f"<div{row}><dt>{escape(one.label)}</dt><dd{long}>{was}{now}{escape(one.text)}</dd></div>"


def _table(lines: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f"<tr><td>{escape(what)}</td><td>{escape(price)}</td></tr>" for what, price in lines)
    return f"<table>{rows}</table>" if rows else ""


def _code(say: Say, view: View, place: int, codes: Sequence[str]) -> str:
    svg, label = codes[place], view.labels[place]
    several = (say("code_of", number=place + 1, count=len(codes)), view.abouts[place]) if len(codes) > 1 else ()
    number = f"<p>{' · '.join(escape(part) for part in several if part)}</p>" if several else ""
    if not svg:  # the others are shown all the same
        return f'<div class="lost" id="code-{place + 1}">{number}<p class="bad">{escape(say("code_lost"))}</p></div>'
    wide = " wide" if _is_wide(svg) else ""
    return (
        f'<div class="code{wide}" id="code-{place + 1}">{number}'
        f'<a class="look" href="#code-{place + 1}" aria-label="{escape(label)}. {escape(say("bigger"))}">{svg}'
        f'<span>{escape(say("bigger"))}</span></a><p class="bright">{escape(say("bright"))}</p>'
        f'<a class="shut" href="#pass">{escape(say("close"))}</a></div>'
    )


def _is_wide(svg: str) -> bool:
    width, height = svg.partition('viewBox="0 0 ')[2].partition('"')[0].split(" ")[:2]
    return int(width) > 2 * int(height)


def _fitting(codes: Sequence[str], first: int) -> list[int]:
    """Which codes stand on a page that begins with the `first`: at least one, as many as there is room for."""
    shown: list[int] = []
    room = ROOM
    for place in range(first, len(codes)):
        room -= len(codes[place].encode())
        if room < 0 and shown:
            break
        shown.append(place)
    return shown


def _more_codes(frame: Frame, number: int) -> str:
    path = f"{escape(frame.here)}?lang={frame.language}&amp;code={number}"
    return f'<a class="go second" href="{path}">{escape(frame.say("more_codes", number=number))}</a>'


def _let_go(frame: Frame, key: str) -> str:
    say = frame.say
    return (
        f"<details><summary>{escape(say('let_go'))}</summary><p>{escape(say('let_go_what'))}</p>"
        f'<form method="post" action="{escape(frame.here)}/close?lang={frame.language}">'
        f'<input type="hidden" name="key" value="{escape(key)}"><button class="second">{escape(say("let_go_do"))}</button>'
        "</form></details>"
    )


def _languages(frame: Frame) -> str:
    links = [
        f'<li><b lang="{tag}" aria-current="true">{name}</b></li>'
        if tag == frame.language
        else f'<li><a href="{escape(frame.here)}?lang={tag}" lang="{tag}" hreflang="{tag}">{name}</a></li>'
        for tag, name in NAMES.items()
    ]
    return f'<nav aria-label="{escape(frame.say("language"))}"><ul>{"".join(links)}</ul></nav>'


def _page(frame: Frame, title: str, body: str, *, script: str = "", kind: str = "", help_too: bool = True) -> str:
    say = frame.say
    helped = f'<p><a href="{escape(frame.support)}" rel="noreferrer">{escape(say("help"))}</a></p>'
    support = helped if frame.support and help_too else ""
    brand, what = escape(frame.brand), escape(kind or say("title"))
    return (
        f'<!doctype html><html lang="{frame.language}"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex,nofollow">'
        f'<meta name="format-detection" content="telephone=no"><meta property="og:title" content="{escape(say("title"))}">'
        f'<meta property="og:site_name" content="{brand}"><style>{_style(frame.look)}</style></head><body>'
        f"<header><p><b>{brand}</b><span>{what if kind else ''}</span></p></header><main>{body}</main>"
        f"<footer>{support}{_languages(frame)}</footer>{script}</body></html>"
    )


@lru_cache(maxsize=64)
def _style(look: Look) -> str:
    return f":root{{{';'.join(f'{name}:{colour}' for name, colour in look.css().items())}}}{STYLE}"


@lru_cache(maxsize=64)
def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
