"""The page behind a link by which a customer shows who they are, as HTML. Pure; every value is escaped. It names nobody.

Plain words in four languages, one column from 320 px on, light and dark, like the page of an invitation (invite_page.py). It
warns first: whoever was sent such a link by somebody else would show that one's chat to be theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from gateway.webhooks.invite_page import LANGUAGES, page
from gateway.webhooks.join_page import NAMES

TEXTS: Mapping[str, Mapping[str, str]] = {
    "nl": {
        "title": "Laat zien dat jij het bent",
        "why": "{brand} vraagt dit in de chat, zodat we veilig over je gegevens kunnen praten.",
        "warn": "Chat je nu niet zelf met {brand}? Sluit dan deze pagina. Stuur de link nooit door.",
        "login": "Log in op je account",
        "send": "Stuur me een code",
        "send_what": "We sturen de code naar een ander adres dat {brand} van je kent, zoals je e-mail.",
        "again": "Stuur een nieuwe code",
        "code": "Code van 6 cijfers",
        "code_what": "De code is onderweg. Hij werkt 10 minuten. Typ hem hier, nooit in de chat.",
        "check": "Controleer",
        "typo": "Een code heeft 6 cijfers.",
        "wrong": "Dat is niet de goede code. Je kunt het nog {left} keer proberen.",
        "no_code": "Die code werkt niet meer. Vraag een nieuwe.",
        "paused": "Te vaak geprobeerd. Over {minutes} minuten kan het weer; vraag dan in de chat een nieuwe link.",
        "other": "Dit is het account van iemand anders dan met wie we chatten.",
        "away": "Inloggen lukt nu niet. Probeer het zo nog eens.",
        "not_fresh": "Je account heeft niet opnieuw gevraagd wie je bent. Log opnieuw in, met je wachtwoord.",
        "no_address": "We kennen geen ander adres van je. Een medewerker helpt je verder in de chat.",
        "unreachable": "De code kon niet worden verstuurd. Probeer het zo nog eens.",
        "done": "Dank je, we weten dat jij het bent",
        "done_what": "Ga terug naar de chat. Deze pagina kun je sluiten.",
        "gone": "Deze link werkt niet meer",
        "gone_what": "Een link werkt 10 minuten. Vraag in de chat om een nieuwe.",
        "language": "Taal",
    },
    "en": {
        "title": "Show that it is you",
        "why": "{brand} asks for this in the chat, so that we can safely talk about your data.",
        "warn": "Are you not in a chat with {brand} yourself just now? Then close this page. Never pass the link on.",
        "login": "Sign in to your account",
        "send": "Send me a code",
        "send_what": "We send the code to another address that {brand} knows of you, such as your e-mail.",
        "again": "Send a new code",
        "code": "Code of 6 digits",
        "code_what": "The code is on its way. It works for 10 minutes. Type it here, never in the chat.",
        "check": "Check",
        "typo": "A code has 6 digits.",
        "wrong": "That is not the right code. You can try {left} more times.",
        "no_code": "That code does not work any more. Ask for a new one.",
        "paused": "Tried too often. You can try again in {minutes} minutes; then ask for a new link in the chat.",
        "other": "This is the account of somebody else than we chat with.",
        "away": "Signing in does not work now. Please try again in a moment.",
        "not_fresh": "Your account did not ask anew who you are. Sign in again, with your password.",
        "no_address": "We know no other address of you. A member of staff helps you on in the chat.",
        "unreachable": "The code could not be sent. Please try again in a moment.",
        "done": "Thank you, we know that it is you",
        "done_what": "Go back to the chat. You can close this page.",
        "gone": "This link does not work any more",
        "gone_what": "A link works for 10 minutes. Ask for a new one in the chat.",
        "language": "Language",
    },
    "de": {
        "title": "Zeigen Sie, dass Sie es sind",
        "why": "{brand} fragt Sie im Chat danach, damit wir sicher über Ihre Daten sprechen können.",
        "warn": "Chatten Sie gerade nicht selbst mit {brand}? Dann schließen Sie diese Seite. Geben Sie den Link nie weiter.",
        "login": "Melden Sie sich in Ihrem Konto an",
        "send": "Code schicken",
        "send_what": "Wir schicken den Code an eine andere Adresse, die {brand} von Ihnen kennt, zum Beispiel Ihre E-Mail.",
        "again": "Neuen Code schicken",
        "code": "Code mit 6 Ziffern",
        "code_what": "Der Code ist unterwegs. Er gilt 10 Minuten. Geben Sie ihn hier ein, nie im Chat.",
        "check": "Prüfen",
        "typo": "Ein Code hat 6 Ziffern.",
        "wrong": "Das ist nicht der richtige Code. Sie können es noch {left} Mal versuchen.",
        "no_code": "Dieser Code gilt nicht mehr. Fordern Sie einen neuen an.",
        "paused": "Zu oft versucht. In {minutes} Minuten geht es wieder; fragen Sie dann im Chat nach einem neuen Link.",
        "other": "Das ist das Konto einer anderen Person als der, mit der wir chatten.",
        "away": "Die Anmeldung geht gerade nicht. Versuchen Sie es gleich noch einmal.",
        "not_fresh": "Ihr Konto hat nicht neu gefragt, wer Sie sind. Melden Sie sich noch einmal an, mit Ihrem Passwort.",
        "no_address": "Wir kennen keine andere Adresse von Ihnen. Im Chat hilft man Ihnen weiter.",
        "unreachable": "Der Code konnte nicht verschickt werden. Versuchen Sie es gleich noch einmal.",
        "done": "Danke, wir wissen, dass Sie es sind",
        "done_what": "Gehen Sie zurück in den Chat. Diese Seite können Sie schließen.",
        "gone": "Dieser Link gilt nicht mehr",
        "gone_what": "Ein Link gilt 10 Minuten. Fragen Sie im Chat nach einem neuen.",
        "language": "Sprache",
    },
    "fr": {
        "title": "Montrez que c’est bien vous",
        "why": "{brand} le demande dans la conversation, pour parler de vos données en toute sécurité.",
        "warn": "Vous n’êtes pas vous-même en conversation avec {brand} en ce moment\u00a0? Fermez cette page. Ne transmettez "
        "jamais ce lien.",
        "login": "Connectez-vous à votre compte",
        "send": "Envoyez-moi un code",
        "send_what": "Nous envoyons le code à une autre adresse que {brand} connaît, par exemple votre e-mail.",
        "again": "Envoyer un nouveau code",
        "code": "Code de 6 chiffres",
        "code_what": "Le code est en route. Il est valable 10 minutes. Tapez-le ici, jamais dans la conversation.",
        "check": "Vérifier",
        "typo": "Un code a 6 chiffres.",
        "wrong": "Ce n’est pas le bon code. Vous pouvez essayer encore {left} fois.",
        "no_code": "Ce code n’est plus valable. Demandez-en un nouveau.",
        "paused": "Trop d’essais. Réessayez dans {minutes} minutes\u00a0; demandez alors un nouveau lien dans la conversation.",
        "other": "C’est le compte d’une autre personne que celle de la conversation.",
        "away": "La connexion ne marche pas pour le moment. Réessayez dans un instant.",
        "not_fresh": "Votre compte n’a pas redemandé qui vous êtes. Connectez-vous à nouveau, avec votre mot de passe.",
        "no_address": "Nous ne connaissons pas d’autre adresse de vous. On vous aide dans la conversation.",
        "unreachable": "Le code n’a pas pu être envoyé. Réessayez dans un instant.",
        "done": "Merci, nous savons que c’est vous",
        "done_what": "Retournez à la conversation. Vous pouvez fermer cette page.",
        "gone": "Ce lien ne marche plus",
        "gone_what": "Un lien marche 10 minutes. Demandez-en un nouveau dans la conversation.",
        "language": "Langue",
    },
}

STYLE = """
form{margin:1rem 0}label{display:block;font-weight:600;margin-bottom:.375rem}
button.go{width:100%;border:0;font:inherit;font-weight:600;cursor:pointer}
.plain{display:block;width:100%;padding:.5rem;text-align:center;text-decoration:none;min-height:2.75rem;
background:none;border:1px solid var(--line);border-radius:.75rem;color:var(--act);font:inherit;cursor:pointer}
button:focus-visible,input:focus-visible{outline:3px solid var(--ink);outline-offset:2px}
input{width:100%;padding:.75rem;border:1px solid var(--soft);border-radius:.75rem;background:var(--ground);color:var(--ink);
font:600 1.5rem/1.2 ui-monospace,monospace;letter-spacing:.2em}
.said{border-left:3px solid var(--act);padding-left:.875rem;font-weight:600}
nav ul{display:flex;flex-wrap:wrap;gap:0 1rem;list-style:none;padding:0;margin:1rem 0 0}
nav a,nav b{display:inline-block;min-height:2.75rem;padding:.5rem 0;line-height:1.75rem}
"""
SAID = ("typo", "wrong", "no_code", "paused", "other", "away", "not_fresh", "no_address", "unreachable")


def asking(
    language: str, brand: str, support: str, here: str, *, login: bool, code: bool, sent: bool, said: str = "", **places: int
) -> str:
    """here: the path of this page; login, code: which ways there are; sent: a code is out; said: one of SAID, with its places"""
    say = _say(language, brand)
    parts = [f"<h1>{say('title')}</h1>", f"<p>{say('why')}</p>", f'<p class="note">{say("warn")}</p>']
    if said in SAID:
        parts.append(f'<p class="said" role="alert">{say(said, **places)}</p>')
    if sent and said != "paused":
        parts.append(
            f'<form method="post" action="{escape(here)}/code?lang={language}"><p id="what">{say("code_what")}</p>'
            f'<label for="code">{say("code")}</label><input id="code" name="code" inputmode="numeric" maxlength="9" required '
            f'autocomplete="one-time-code" aria-describedby="what"><button class="go">{say("check")}</button></form>'
        )
    if login and said != "paused":
        there, look = f"{escape(here)}/login?lang={language}", "plain" if sent else "go"
        parts.append(f'<a class="{look}" rel="nofollow noreferrer" href="{there}">{say("login")}</a>')
    if code and said != "paused":
        name, look = ("again", "plain") if sent else ("send", "plain" if login else "go")
        what = "" if sent else f'<p class="soft">{say("send_what")}</p>'
        button = f'<button class="{look}">{say(name)}</button>'
        parts.append(f'<form method="post" action="{escape(here)}/send?lang={language}">{what}{button}</form>')
    return page(language, brand, support, "".join(parts), say("title"), _languages(language, say, here), STYLE)


def closing(language: str, brand: str, support: str, here: str, why: str) -> str:
    """why: done or gone"""
    say = _say(language, brand)
    body = f"<h1>{say(why)}</h1><p>{say(f'{why}_what')}</p>"
    return page(language, brand, support, body, say(why), _languages(language, say, here) if here else "", STYLE)


def _say(language: str, brand: str) -> Callable[..., str]:
    texts = TEXTS[language]

    def say(name: str, **more: object) -> str:
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
