"""The page of an invitation as HTML. Pure; every value is escaped. Plain words, one column from 320 px on, light and dark."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape

from gateway.model.invitation import Purpose
from gateway.planning.waysin_links import qr_svg

LANGUAGES = ("nl", "en", "de", "fr")

TEXTS: Mapping[str, Mapping[str, str]] = {
    "nl": {
        "title": "Uitnodiging van {brand}",
        "ticket": "Krijg je ticket in de chat",
        "updates": "Krijg nieuws over je reis of bestelling in de chat",
        "what_ticket": "Je ticket komt zodra het klaar is, en daarna nieuws als er iets verandert.",
        "what_updates": "Je leest hier wat er verandert, zoals een vertraging of een nieuwe tijd.",
        "choose": "Kies je app",
        "open": "Open in {channel}",
        "agree": "Door de chat te openen, zeg je:",
        "who": "{brand} verstuurt de berichten automatisch. Stel je een vraag, dan antwoordt een medewerker.",
        "stop": "Stoppen kan altijd: antwoord met STOP.",
        "qr": "Op een computer? Scan deze code met je telefoon.",
        "qr_label": "QR-code van deze pagina",
        "code": "Of stuur ons deze code in de chat:",
        "used": "Deze link is al een keer gebruikt. Kom je hier voor het eerst, dan vragen we in de chat om je boekingsnummer "
        "en achternaam.",
        "ended": "Deze link werkt niet meer",
        "ended_what": "De link is verlopen of ingetrokken. Vraag een nieuwe waar je deze kreeg, of stel ons je vraag.",
        "help": "Hulp van {brand}",
    },
    "en": {
        "title": "Invitation from {brand}",
        "ticket": "Get your ticket in a chat",
        "updates": "Get news about your journey or order in a chat",
        "what_ticket": "Your ticket comes as soon as it is ready, and after that news when something changes.",
        "what_updates": "You read here what changes, such as a delay or a new time.",
        "choose": "Choose your app",
        "open": "Open in {channel}",
        "agree": "By opening the chat you say:",
        "who": "{brand} sends the messages automatically. If you ask a question, a member of staff answers.",
        "stop": "You can always stop: reply with STOP.",
        "qr": "On a computer? Scan this code with your phone.",
        "qr_label": "QR code of this page",
        "code": "Or send us this code in the chat:",
        "used": "This link has been used before. If this is your first visit, we will ask for your booking code and surname "
        "in the chat.",
        "ended": "This link no longer works",
        "ended_what": "The link has expired or was withdrawn. Ask for a new one where you got it, or ask us your question.",
        "help": "Help from {brand}",
    },
    "de": {
        "title": "Einladung von {brand}",
        "ticket": "Ihr Ticket im Chat",
        "updates": "Neues zu Ihrer Reise oder Bestellung im Chat",
        "what_ticket": "Ihr Ticket kommt, sobald es fertig ist. Danach hören Sie von uns, wenn sich etwas ändert.",
        "what_updates": "Sie lesen hier, was sich ändert, zum Beispiel eine Verspätung oder eine neue Zeit.",
        "choose": "Wählen Sie Ihre App",
        "open": "In {channel} öffnen",
        "agree": "Wenn Sie den Chat öffnen, sagen Sie:",
        "who": "{brand} verschickt die Nachrichten automatisch. Stellen Sie eine Frage, antwortet Ihnen das Team.",
        "stop": "Sie können das jederzeit beenden: Antworten Sie mit STOP.",
        "qr": "Sind Sie am Computer? Scannen Sie diesen Code mit Ihrem Handy.",
        "qr_label": "QR-Code dieser Seite",
        "code": "Oder schicken Sie uns diesen Code im Chat:",
        "used": "Dieser Link wurde schon einmal benutzt. Sind Sie zum ersten Mal hier, fragen wir im Chat nach Ihrer "
        "Buchungsnummer und Ihrem Nachnamen.",
        "ended": "Dieser Link gilt nicht mehr",
        "ended_what": "Der Link ist abgelaufen oder wurde zurückgezogen. Bitten Sie dort um einen neuen, wo Sie ihn bekommen "
        "haben, oder stellen Sie uns Ihre Frage.",
        "help": "Hilfe von {brand}",
    },
    "fr": {
        "title": "Invitation de {brand}",
        "ticket": "Recevez votre billet dans une conversation",
        "updates": "Suivez votre voyage ou votre commande dans une conversation",
        "what_ticket": "Votre billet arrive dès qu’il est prêt. Ensuite, nous vous prévenons si quelque chose change.",
        "what_updates": "Vous lirez ici ce qui change, par exemple un retard ou une nouvelle heure.",
        "choose": "Choisissez votre application",
        "open": "Ouvrir dans {channel}",
        "agree": "En ouvrant la conversation, vous dites\u00a0:",
        "who": "{brand} envoie les messages automatiquement. Si vous posez une question, l’équipe vous répond.",
        "stop": "Vous pouvez arrêter à tout moment\u00a0: répondez STOP.",
        "qr": "Sur un ordinateur\u00a0? Scannez ce code avec votre téléphone.",
        "qr_label": "Code QR de cette page",
        "code": "Ou envoyez-nous ce code dans la conversation\u00a0:",
        "used": "Ce lien a déjà été utilisé. Si c’est votre première visite, nous vous demanderons dans la conversation "
        "votre numéro de réservation et votre nom de famille.",
        "ended": "Ce lien n’est plus valable",
        "ended_what": "Le lien a expiré ou a été retiré. Demandez-en un nouveau là où vous l’avez reçu, ou posez-nous "
        "votre question.",
        "help": "Aide de {brand}",
    },
}

STYLE = """
:root{color-scheme:light dark;--ink:#17202a;--soft:#46525f;--paper:#fff;--ground:#eef2f5;--line:#c9d2da;--act:#0b5c8a;--on:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#eef2f5;--soft:#b7c3cd;--paper:#1a222a;--ground:#10161b;--line:#3a4753;--act:#8fd0f5;
--on:#0b1820}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:1.0625rem/1.5 system-ui,sans-serif}
main{max-width:34rem;margin:0 auto;padding:1.25rem 1rem 2.5rem}
.brand{margin:.25rem 0 1rem;font-weight:600;color:var(--soft)}
.card{background:var(--paper);border:1px solid var(--line);border-radius:1rem;padding:1.25rem}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 .5rem;text-wrap:balance;overflow-wrap:anywhere}
h2{font-size:1.0625rem;margin:1.5rem 0 .5rem}
p{margin:.5rem 0}.soft{color:var(--soft)}a{color:var(--act)}
.go{display:block;margin:.625rem 0;padding:.875rem 1rem;border-radius:.75rem;background:var(--act);color:var(--on);
text-align:center;font-weight:600;text-decoration:none;min-height:3rem}
.go:hover{text-decoration:underline}.go:focus-visible,a:focus-visible{outline:3px solid var(--ink);outline-offset:2px}
blockquote{margin:.5rem 0;padding:.25rem 0 .25rem .875rem;border-left:3px solid var(--line);color:var(--soft)}
.code{font:600 1.375rem/1.2 ui-monospace,monospace;letter-spacing:.06em}
.note{border-left:3px solid var(--act);padding-left:.875rem}
.qr{display:none}.qr svg{width:11rem;height:11rem;border-radius:.5rem;display:block}
@media(min-width:40rem) and (pointer:fine){.qr{display:block}main{padding-top:3rem}}
"""


def language_of(text: str) -> str:
    """nl, en, de or fr: of a language tag, or the first of an Accept-Language that we have."""
    for part in text.split(","):
        base = re.split(r"[-_;]", part.strip().lower())[0]
        if base in LANGUAGES:
            return base
    return "en"


def invitation(
    language: str,
    brand: str,
    support: str,
    *,
    purpose: Purpose,
    agreed: Sequence[str],
    links: Mapping[str, str],
    code: str,
    qr: str,
    used: bool,
) -> str:
    """agreed: the consent words; links: name of a channel -> https link; qr: what the code leads to, "" for none"""
    say = _say(language, brand)
    parts = [f"<h1>{say(purpose.value)}</h1>", f"<p>{say('what_' + purpose.value)}</p>"]
    if used:
        parts.append(f'<p class="note">{say("used")}</p>')
    if agreed:
        parts.append(f"<h2>{say('agree')}</h2>")
        parts += [f"<blockquote>{escape(one.strip())}</blockquote>" for one in agreed]
    parts.append(f"<h2>{say('choose')}</h2>")
    parts += [
        f'<a class="go" rel="nofollow noreferrer" href="{escape(url)}">{say("open", channel=channel)}</a>'
        for channel, url in links.items()
    ]
    parts.append(f'<p class="soft">{say("who")} {say("stop")}</p>')
    if qr:
        parts.append(f'<div class="qr"><h2>{say("qr")}</h2>{qr_svg(qr, label=say("qr_label"))}</div>')
    parts.append(f'<p class="soft">{say("code")}<br><span class="code">{escape(code)}</span></p>')
    return page(language, brand, support, "".join(parts), say("title"))


def ended(language: str, brand: str, support: str) -> str:
    """For a link that has ended and for one that never was: nobody learns which."""
    say = _say(language, brand)
    return page(language, brand, support, f"<h1>{say('ended')}</h1><p>{say('ended_what')}</p>", say("ended"))


def _say(language: str, brand: str) -> Callable[..., str]:
    texts = TEXTS[language]

    def say(name: str, **more: str) -> str:
        return escape(texts[name].format(brand=brand, **more))

    return say


def page(language: str, brand: str, support: str, body: str, title: str, foot: str = "", style: str = "") -> str:
    """A whole page around a card. title and foot: markup, escaped already; style: more of it"""
    say = _say(language, brand)
    more = f'<p><a href="{escape(support)}" rel="noreferrer">{say("help")}</a></p>' if support else ""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex,nofollow">'
        f"<style>{STYLE}{style}</style></head><body><main><p class=\"brand\">{escape(brand)}</p>"
        f'<div class="card">{body}</div>{more}{foot}</main></body></html>'
    )
