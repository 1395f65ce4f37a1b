"""Words that stop or resume messages: nothing but such a word counts, whatever its dress.

A stop withdraws consent before anybody reads it, so it must never be missed and never be guessed. WhatsApp defines no
such words and does nothing with them; it asks the business to. "Cancel" and its like are no stop words here, though
lists of
them elsewhere name it: to a traveller it means the booking, and opens a conversation.
"""

from __future__ import annotations

import re
import unicodedata

ANY_LANGUAGE = "und"
"""BCP 47 for "undetermined": the word is the same in several languages; answer in the one we know of the person."""

_LONGEST = 1000
"""Somebody may say it a hundred times; what is longer is a letter, not a word."""


def _table(phrases: dict[str, str]) -> dict[str, str]:
    """Phrase -> language, of a language's phrases in one text with commas; in plain letters, as `_plain` leaves them."""
    return {phrase.strip(): language for language, listed in phrases.items() for phrase in listed.split(",")}


_STOPS = _table(
    {
        ANY_LANGUAGE: "stop, stop sms, stop whatsapp, stoppen",
        "nl": "afmelden, afmelding, uitschrijven, uitschrijving, meld me af, meld mij af, schrijf me uit, schrijf mij uit,"
        "stop maar, stop ermee, stop berichten, stop met berichten, stop met berichten sturen, stop deze berichten,"
        "geen berichten meer, afmelden voor berichten, ik wil geen berichten meer",
        "en": "unsubscribe, unsubscribe me, opt out, optout, opt me out, quit, end, stop it, stop messages, stop messaging,"
        "stop messaging me, stop texting me, stop sending messages, stop sending me messages, stop these messages,"
        "no more messages",
        "de": "stopp, abmelden, abmeldung, austragen, mich abmelden, melde mich ab, stop nachrichten, stopp nachrichten,"
        "keine nachrichten mehr, nachrichten stoppen, keine weiteren nachrichten, melden sie mich ab,"
        "ich mochte keine nachrichten mehr, ich will keine nachrichten mehr",
        "fr": "arret, arreter, arretez, desabonner, desabonnement, desabonnez moi, me desabonner, se desabonner, desinscrire,"
        "desinscription, me desinscrire, se desinscrire, desinscrivez moi, plus de messages, arretez les messages,"
        "stop aux messages, arrete, je me desabonne, ne plus recevoir de messages, je ne veux plus de messages,"
        "je ne veux plus recevoir de messages, ne m envoyez plus de messages",
    }
)

_STOPS_ALL = _table(
    {
        ANY_LANGUAGE: "stop alles, alles stop, alles stoppen",
        "nl": "stop alle berichten, alle berichten stoppen, stop met alles, alles afmelden, afmelden voor alles",
        "en": "stop all, stopall, stop everything, stop all messages, unsubscribe all, unsubscribe from all,"
        "unsubscribe from everything, opt out of all, opt out of everything",
        "de": "stopp alles, alles stopp, stop alle nachrichten, stopp alle nachrichten, alle nachrichten stoppen,"
        "alles abmelden, von allem abmelden",
        "fr": "stop tout, tout stop, tout arreter, arreter tout, arretez tout, stop a tout, me desabonner de tout,"
        "stop tous les messages",
    }
)

# A log-in or sign-up word ("aanmelden", "subscribe") is none: taken for a start, it would make a consent out of a question.
_STARTS = _table(
    {
        ANY_LANGUAGE: "start",
        "nl": "hervat, hervatten",
        "en": "resume, unstop",
        "de": "fortsetzen",
        "fr": "reprendre",
    }
)

_COURTESIES = _table(
    {
        ANY_LANGUAGE: "svp, merci, ok, okay",
        "nl": "aub, a u b, alstublieft, alsjeblieft, graag, bedankt, dank je, dank u, dank u wel, dankjewel, nu, oke",
        "en": "please, pls, plz, thanks, thank you, thx, now",
        "de": "bitte, danke, sofort",
        "fr": "s il vous plait, s il te plait, stp",
    }
)

_RUN = re.compile(r"(.)\1{2,}")
_SPACES = re.compile(r" +")


def stop_language(text: str) -> str | None:
    """The language of a stop ("nl", "en", "de", "fr", "und" where several share the word); None when it is no stop.

    Case, accents, width, punctuation, emoji, spaces and a courtesy round the word do not matter; any other word does.
    """
    core, courtesy = _core(text)
    language = _STOPS.get(core) or _STOPS_ALL.get(core)
    return courtesy if language == ANY_LANGUAGE and courtesy else language


def stops_all(text: str) -> bool:
    """Whether a stop asks for silence about everything, not only about what it answers."""
    return _core(text)[0] in _STOPS_ALL


def is_start(text: str) -> bool:
    """Whether somebody who stopped asks to go on."""
    return _core(text)[0] in _STARTS


def _core(text: str) -> tuple[str, str | None]:
    """What is left without its dress ("" where it is too long), and the language that its courtesies show."""
    if len(text) > _LONGEST:
        return "", None
    words, language = _plain(text), None
    stripped = True
    while stripped:
        stripped = False
        for courtesy, spoken in _COURTESIES.items():
            shorter = words.removeprefix(f"{courtesy} ").removesuffix(f" {courtesy}")
            if len(shorter) < len(words):
                words, stripped = shorter, True
                language = spoken if spoken != ANY_LANGUAGE else language
    return _once(words), language


def _plain(text: str) -> str:
    """Lower case letters and digits of any width, without accents, parted by single spaces."""
    letters = []
    for char in unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold()):
        category = unicodedata.category(char)
        if category[0] in "LN":
            letters.append(char)
        elif category[0] != "M" and category != "Cf":
            # Marks are accents, format characters are invisible joiners: neither parts a word. All else does.
            letters.append(" ")
    return _RUN.sub(r"\1", _SPACES.sub(" ", "".join(letters)).strip())


def _once(words: str) -> str:
    """One word said several times is that word, and so is one spelt out: "stop stop", "s t o p"."""
    parts = words.split(" ")
    if len(parts) > 1 and all(len(part) == 1 for part in parts):
        return "".join(parts)
    return parts[0] if len(set(parts)) == 1 else words
