"""The page behind the link of a family, as HTML. Pure; every value is escaped. It names nobody, only the flight or train.

Plain words in four languages, which lead to one another; one column from 320 px on, light and dark, like the page of an
invitation (invite_page.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape

from gateway.planning.waysin_links import qr_svg
from gateway.webhooks.invite_page import LANGUAGES, page

NAMES: Mapping[str, str] = {"nl": "Nederlands", "en": "English", "de": "Deutsch", "fr": "Français"}

TEXTS: Mapping[str, Mapping[str, str]] = {
    "nl": {
        "title": "Volg de reis met {brand}",
        "head": "Volg deze reis in je eigen app",
        "leg": "{kind} {number}, {origin} – {destination}, {day}",
        "leg_short": "{kind} {number}",
        "flight": "Vlucht",
        "trip": "Trein",
        "what": "Je krijgt bericht bij vertrek, vertraging, overstappen en aankomst, en als de reis niet doorgaat.",
        "besides": "Goed om te weten",
        "now": "Je leest meteen hoe het er nu voor staat. Vragen waar de reis is, kan ook.",
        "night": "Vertrek, aankomst en wat niet kan wachten komen ook ’s nachts. Liever niet? Dat kies je in de chat.",
        "less": "Je leest niets van de boeking, en niemand anders die meeleest ziet jou.",
        "traveller": "De reiziger ziet dat je meeleest, onder de naam die je zelf kiest.",
        "choose": "Kies je app",
        "open": "Open in {channel}",
        "send": "De app opent met een kant-en-klaar bericht. Verstuur het, dan doe je mee.",
        "agree": "Met dat bericht zeg je:",
        "who": "{brand} verstuurt de berichten automatisch. Stel je een andere vraag, dan antwoordt een medewerker.",
        "stop": "Stoppen kan altijd: antwoord met STOP.",
        "qr": "Op een computer? Scan deze code met je telefoon.",
        "qr_label": "QR-code van deze pagina",
        "code": "Of stuur deze code in de chat:",
        "language": "Taal",
        "unknown": "Deze link werkt niet",
        "unknown_what": "Misschien is hij niet helemaal meegekomen. Vraag de reiziger om hem nog eens te sturen.",
        "over": "Deze reis wordt niet meer gevolgd",
        "over_what": "De reis is afgelopen, of de reiziger deelt hem niet meer.",
        "old": "Deze link is vervangen",
        "old_what": "De reiziger heeft een nieuwe link gemaakt. Vraag daarnaar.",
        "full": "Alle plaatsen zijn bezet",
        "full_what": "Er lezen al zoveel mensen mee als kan. Vraag de reiziger of er een plaats vrij komt.",
        "closed": "Deze link laat nu niemand toe",
        "closed_what": "Vraag de reiziger om hem weer te openen.",
    },
    "en": {
        "title": "Follow the journey with {brand}",
        "head": "Follow this journey in your own app",
        "leg": "{kind} {number}, {origin} – {destination}, {day}",
        "leg_short": "{kind} {number}",
        "flight": "Flight",
        "trip": "Train",
        "what": "You get messages at departure, delay, connections and arrival, and if the journey is off.",
        "besides": "Good to know",
        "now": "You read at once how things stand. You can also ask where the journey is.",
        "night": "Departure, arrival and what cannot wait also come at night. Rather not? You choose that in the chat.",
        "less": "You read nothing of the booking, and nobody else who follows sees you.",
        "traveller": "The traveller sees that you follow, by the name that you choose yourself.",
        "choose": "Choose your app",
        "open": "Open in {channel}",
        "send": "The app opens with a message ready to send. Send it, and you are in.",
        "agree": "With that message you say:",
        "who": "{brand} sends the messages automatically. If you ask another question, a member of staff answers.",
        "stop": "You can always stop: reply with STOP.",
        "qr": "On a computer? Scan this code with your phone.",
        "qr_label": "QR code of this page",
        "code": "Or send this code in the chat:",
        "language": "Language",
        "unknown": "This link does not work",
        "unknown_what": "Perhaps a part of it was lost. Ask the traveller to send it again.",
        "over": "This journey is not followed any more",
        "over_what": "The journey is over, or the traveller does not share it any more.",
        "old": "This link was replaced",
        "old_what": "The traveller has made a new link. Ask for it.",
        "full": "All places are taken",
        "full_what": "As many people follow as can. Ask the traveller whether a place comes free.",
        "closed": "This link lets nobody in now",
        "closed_what": "Ask the traveller to open it again.",
    },
    "de": {
        "title": "Die Reise mit {brand} verfolgen",
        "head": "Verfolgen Sie diese Reise in Ihrer eigenen App",
        "leg": "{kind} {number}, {origin} – {destination}, {day}",
        "leg_short": "{kind} {number}",
        "flight": "Flug",
        "trip": "Zug",
        "what": "Sie bekommen Nachrichten zu Abreise, Verspätung, Anschlüssen und Ankunft, und wenn die Reise ausfällt.",
        "besides": "Gut zu wissen",
        "now": "Sie lesen sofort, wie es gerade steht. Sie können auch fragen, wo die Reise ist.",
        "night": "Abreise, Ankunft und was nicht warten kann kommen auch nachts. Lieber nicht? Das wählen Sie im Chat.",
        "less": "Sie lesen nichts von der Buchung, und niemand sonst, der mitliest, sieht Sie.",
        "traveller": "Die reisende Person sieht, dass Sie mitlesen, unter dem Namen, den Sie selbst wählen.",
        "choose": "Wählen Sie Ihre App",
        "open": "In {channel} öffnen",
        "send": "Die App öffnet sich mit einer fertigen Nachricht. Schicken Sie sie ab, dann sind Sie dabei.",
        "agree": "Mit dieser Nachricht sagen Sie:",
        "who": "{brand} verschickt die Nachrichten automatisch. Stellen Sie eine andere Frage, antwortet Ihnen das Team.",
        "stop": "Sie können das jederzeit beenden: Antworten Sie mit STOP.",
        "qr": "Sind Sie am Computer? Scannen Sie diesen Code mit Ihrem Handy.",
        "qr_label": "QR-Code dieser Seite",
        "code": "Oder schicken Sie diesen Code im Chat:",
        "language": "Sprache",
        "unknown": "Dieser Link funktioniert nicht",
        "unknown_what": "Vielleicht fehlt ein Teil davon. Bitten Sie die reisende Person, ihn noch einmal zu schicken.",
        "over": "Diese Reise wird nicht mehr verfolgt",
        "over_what": "Die Reise ist vorbei, oder sie wird nicht mehr geteilt.",
        "old": "Dieser Link wurde ersetzt",
        "old_what": "Es gibt einen neuen Link. Fragen Sie die reisende Person danach.",
        "full": "Alle Plätze sind vergeben",
        "full_what": "Es lesen schon so viele mit, wie können. Fragen Sie die reisende Person, ob ein Platz frei wird.",
        "closed": "Dieser Link lässt gerade niemanden zu",
        "closed_what": "Bitten Sie die reisende Person, ihn wieder zu öffnen.",
    },
    "fr": {
        "title": "Suivre le voyage avec {brand}",
        "head": "Suivez ce voyage dans votre propre application",
        "leg": "{kind} {number}, {origin} – {destination}, {day}",
        "leg_short": "{kind} {number}",
        "flight": "Vol",
        "trip": "Train",
        "what": "Vous recevez des messages au départ, aux correspondances, à l’arrivée, et en cas de retard ou d’annulation.",
        "besides": "Bon à savoir",
        "now": "Vous lisez tout de suite où en est le voyage. Vous pouvez aussi le demander.",
        "night": "Le départ, l’arrivée et ce qui presse viennent aussi la nuit. Vous pouvez changer cela dans la conversation.",
        "less": "Vous ne lisez rien de la réservation, et les autres personnes qui suivent ne vous voient pas.",
        "traveller": "La personne qui voyage voit que vous la suivez, sous le nom que vous choisissez.",
        "choose": "Choisissez votre application",
        "open": "Ouvrir dans {channel}",
        "send": "L’application s’ouvre avec un message prêt. Envoyez-le, et c’est fait.",
        "agree": "Par ce message, vous dites\u00a0:",
        "who": "{brand} envoie les messages automatiquement. Si vous posez une autre question, l’équipe vous répond.",
        "stop": "Vous pouvez arrêter à tout moment\u00a0: répondez STOP.",
        "qr": "Sur un ordinateur\u00a0? Scannez ce code avec votre téléphone.",
        "qr_label": "Code QR de cette page",
        "code": "Ou envoyez ce code dans la conversation\u00a0:",
        "language": "Langue",
        "unknown": "Ce lien ne marche pas",
        "unknown_what": "Il en manque peut-être une partie. Demandez à la personne qui voyage de le renvoyer.",
        "over": "Ce voyage n’est plus suivi",
        "over_what": "Le voyage est terminé, ou il n’est plus partagé.",
        "old": "Ce lien a été remplacé",
        "old_what": "Il y a un nouveau lien. Demandez-le à la personne qui voyage.",
        "full": "Toutes les places sont prises",
        "full_what": "Le nombre maximal de personnes suit déjà. Demandez à la personne qui voyage si une place se libère.",
        "closed": "Ce lien ne laisse entrer personne pour le moment",
        "closed_what": "Demandez à la personne qui voyage de le rouvrir.",
    },
}

STYLE = """
.legs{margin:.5rem 0 1rem;padding:0;list-style:none;font-weight:600}.legs li{margin:.25rem 0;overflow-wrap:anywhere}
.what{padding-left:1.25rem;margin:.5rem 0}.what li{margin:.25rem 0}
nav ul{display:flex;flex-wrap:wrap;gap:0 1rem;list-style:none;padding:0;margin:1rem 0 0}
nav a,nav b{display:inline-block;min-height:2.75rem;padding:.5rem 0;line-height:1.75rem}
"""
WHY = ("unknown", "over", "old", "full", "closed")


def invited(
    language: str,
    brand: str,
    support: str,
    *,
    legs: Sequence[str],
    agreed: str,
    links: Mapping[str, str],
    code: str,
    qr: str,
    here: str,
) -> str:
    """legs: each leg in words; agreed: the consent's words; links: name of a channel -> https link; qr: what the code leads to,
    "" for none; here: the path of this page"""
    say = _say(language, brand)
    parts = [f"<h1>{say('head')}</h1>"]
    if legs:
        parts.append(f'<ul class="legs">{"".join(f"<li>{escape(one)}</li>" for one in legs)}</ul>')
    parts.append(f"<p>{say('what')}</p><h2>{say('choose')}</h2><p>{say('send')}</p>")
    if agreed:
        parts.append(f"<p>{say('agree')}</p><blockquote>{escape(agreed.strip())}</blockquote>")
    parts += [
        f'<a class="go" rel="nofollow noreferrer" href="{escape(url)}">{say("open", channel=channel)}</a>'
        for channel, url in links.items()
    ]
    points = ("now", "night", "less", "traveller")
    parts.append(f'<h2>{say("besides")}</h2><ul class="what">{"".join(f"<li>{say(one)}</li>" for one in points)}</ul>')
    parts.append(f'<p class="soft">{say("who")} {say("stop")}</p>')
    if qr:
        parts.append(f'<div class="qr"><h2>{say("qr")}</h2>{qr_svg(qr, label=say("qr_label"))}</div>')
    parts.append(f'<p class="soft">{say("code")}<br><span class="code">{escape(code)}</span></p>')
    return page(language, brand, support, "".join(parts), say("title"), _languages(language, say, here), STYLE)


def refused(language: str, brand: str, support: str, why: str, here: str) -> str:
    """why: one of WHY"""
    say = _say(language, brand)
    body = f"<h1>{say(why)}</h1><p>{say(f'{why}_what')}</p>"
    return page(language, brand, support, body, say(why), _languages(language, say, here), STYLE)


def leg_in_words(language: str, kind: str, number: str, origin: str | None, destination: str | None, day: str | None) -> str:
    """kind: flight or trip; places and day as this language says them, None where they are not known"""
    texts = TEXTS[language]
    whole = origin and destination and day
    return texts["leg" if whole else "leg_short"].format(
        kind=texts[kind], number=number, origin=origin, destination=destination, day=day
    )


def _say(language: str, brand: str) -> Callable[..., str]:
    texts = TEXTS[language]

    def say(name: str, **more: str) -> str:
        return escape(texts[name].format(brand=brand, **more))

    return say


def _languages(language: str, say: Callable[..., str], here: str) -> str:
    links = [
        f'<li><b lang="{tag}" aria-current="true">{NAMES[tag]}</b></li>'
        if tag == language
        else f'<li><a href="{escape(here)}?lang={tag}" lang="{tag}" hreflang="{tag}">{NAMES[tag]}</a></li>'
        for tag in LANGUAGES
    ]
    return f'<nav aria-label="{say("language")}"><ul>{"".join(links)}</ul></nav>'
