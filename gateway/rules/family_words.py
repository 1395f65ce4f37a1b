"""Words around a family: which language a join was written in, what somebody wants to be called, what a traveller asks us to do.

Nothing is guessed: a sentence of the traveller's counts as a command when it is one of those written down here, whatever its
dress, and as a name when it is short and no question. Everything else is for people.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from difflib import SequenceMatcher
from enum import StrEnum

NAME_MAX = 40
NUMBERS_MAX = 200
"""As many as one family may hold (GATEWAY_FAMILY_PLACES)."""

_JOIN_WORDS: Mapping[str, tuple[str, ...]] = {
    "nl": ("ik", "wil", "de", "reis", "volgen", "graag", "meevolgen", "hallo", "hoi", "alsjeblieft"),
    "en": ("i", "want", "to", "the", "follow", "journey", "trip", "hello", "please"),
    "de": ("ich", "mochte", "die", "reise", "verfolgen", "folgen", "bitte", "guten", "tag"),
    "fr": ("je", "veux", "suivre", "le", "voyage", "bonjour", "svp"),
}
"""Words of the join sentences, and a few that people put beside them; no word of two languages."""
_ALIKE = 0.8
"""Two words that differ less are one, misspelt."""
_NUMBERED = re.compile(r"\S*\d\S*")
_CODE = re.compile(r"(?i)\bcode\b\W*(?:[0-9a-z][\W_]*){8}(?![0-9a-z])")
"""A code as people type it: with o for 0 and i for 1 there may be no number in it."""
_BESIDE = frozenset(("code", "met", "with", "mit", "avec", "en", "and", "und", "et"))
BESIDE_MAX = 3
"""Words beside a join that may be a greeting, or who it is."""
LONG = 12
"""Words of a join that says no more than that, however they are."""

_LINK = re.compile(r"(?i)(http|www\.|[\w-]+\.(?:[a-z]{2,})(?:/|\b)|@|\+?\d[\d\s().-]{5,}\d)")
_NO_NAME = frozenset(
    ("ja", "nee", "yes", "no", "nein", "oui", "non", "ok", "oke", "okay", "okee", "hoi", "hallo", "hello", "hi", "hey", "bonjour",
     "salut", "dank", "bedankt", "thanks", "thx", "danke", "merci", "start", "stop", "help", "hulp", "hilfe", "aide", "why",
     "waarom", "warum", "pourquoi", "who", "wie", "wer", "qui", "niemand", "nobody", "niemand anders", "personne")
)  # fmt: skip
_VERBS = frozenset(
    ("is", "are", "ist", "est", "zijn", "sind", "wat", "what", "was", "waar", "where", "wo", "when", "wanneer", "wann", "quand",
     "hoe", "how", "comment", "land", "landt", "landet", "gate", "vlucht", "flight", "flug", "vol", "trein", "train", "zug")
)  # fmt: skip
"""Words of a question, with or without its mark: what holds one is no name."""
_SAYS_SOMETHING = frozenset(
    ("niet", "geen", "nooit", "liever", "laat", "doe", "zeg", "weet", "mag", "anoniem", "kwijt", "koffer", "bagage", "geld",
     "terug", "bel", "bellen", "spoed", "dringend", "ziek", "boos", "bang", "ongerust", "bezorgd", "moe", "klaar", "onderweg",
     "overleden", "dood", "gewond", "goed", "prima", "super", "leuk", "fijn", "mooi", "top", "snap", "nummer", "engels",
     "nederlands", "duits", "frans", "not", "none", "never", "rather", "don", "dont", "anonymous", "lost", "bag", "luggage",
     "suitcase", "money", "refund", "call", "phone", "urgent", "emergency", "sick", "ill", "angry", "worried", "scared",
     "tired", "sorry", "ready", "here", "late", "dead", "hurt", "good", "fine", "great", "nice", "cool", "perfect", "thank",
     "understood", "number", "english", "dutch", "german", "french", "nicht", "kein", "keine", "keinen", "lieber", "lass",
     "anonym", "weg", "gepack", "anruf", "anrufen", "ruf", "notfall", "krank", "wutend", "angst", "sorge", "sorgen", "mude",
     "hier", "tot", "verletzt", "gut", "schon", "toll", "klar", "englisch", "deutsch", "niederlandisch", "franzosisch", "pas",
     "rien", "jamais", "anonyme", "perdu", "perdue", "valise", "bagages", "argent", "remboursement", "rappelez", "malade",
     "inquiet", "inquiete", "peur", "fache", "fachee", "fatigue", "fatiguee", "desole", "ici", "mort", "morte", "blesse",
     "blessee", "bien", "parfait", "genial", "compris", "numero", "anglais", "francais", "neerlandais", "allemand")
)  # fmt: skip
"""Words of somebody who says something rather than what they are called: people read it, and no traveller does."""
_MY_NAME = re.compile(
    r"(?i)^\s*(?:noem (?:me|mij)(?: maar)?|zeg maar|ik heet|ik ben|mijn naam is|call me|i am|i'm|my name is|nennen sie mich"
    r"|nenn mich|ich bin|ich hei(?:ß|ss)e|mein name ist|appelez[- ]moi|appelle[- ]moi|je suis|je m['’]appelle|mon nom est)"
    r"\s+(.+)$"
)


class Command(StrEnum):
    """What a traveller may ask for in words."""

    WHO = "who"
    OUT = "out"
    CLOSE = "close"
    OPEN = "open"
    RENEW = "renew"
    END = "end"
    LINK = "link"
    """once more; of somebody who has none it may be any link"""
    BEGIN = "begin"


_COMMANDS: Mapping[Command, str] = {
    Command.WHO: (
        "wie volgt mij, wie volgen mij, wie volgt me, wie volgen me, wie volgt mijn reis, wie leest mee, wie zit erin,"
        "wie doet mee,"
        "who follows me, who is following me, who follows my journey, who is in, who is following, who follows,"
        "wer folgt mir, wer verfolgt meine reise, wer ist dabei, wer liest mit, wer folgt meiner reise,"
        "qui me suit, qui suit mon voyage, qui est inscrit, qui suit"
    ),
    Command.OUT: (
        "haal iemand eruit, iemand eruit halen, iemand verwijderen, verwijder iemand,"
        "take someone out, take somebody out, remove someone, remove somebody,"
        "jemanden entfernen, jemanden herausnehmen, nimm jemanden raus, entferne jemanden,"
        "retirer quelqu un, enlever quelqu un, retirez quelqu un, enleve quelqu un"
    ),
    Command.CLOSE: (
        "sluit de link, link sluiten, niemand meer erbij, niemand erbij, sluit de lijst, sluit mijn thuisfront,"
        "close the link, close my link, nobody else, no one else, close the list,"
        "link schliessen, schliesse den link, schliessen sie den link, niemand mehr,"
        "fermer le lien, ferme le lien, fermez le lien, personne d autre, plus personne"
    ),
    Command.OPEN: (
        "open de link, link openen, open de link weer, open de lijst,"
        "open the link, open my link, open the link again, open the list,"
        "link offnen, offne den link, offnen sie den link, link wieder offnen,"
        "ouvrir le lien, ouvre le lien, ouvrez le lien, rouvrir le lien"
    ),
    Command.RENEW: (
        "nieuwe link, maak een nieuwe link, geef me een nieuwe link, vernieuw de link, link vernieuwen,"
        "new link, make a new link, give me a new link, renew the link, renew link,"
        "neuer link, neuen link, link erneuern, einen neuen link, erneuere den link,"
        "nouveau lien, un nouveau lien, renouveler le lien, donnez moi un nouveau lien"
    ),
    Command.END: (
        "stop het volgen, stop mijn thuisfront, stop thuisfront, beeindig het volgen, niemand mag mij meer volgen,"
        "end the following, stop following me, end my home front, nobody may follow me any more,"
        "verfolgen beenden, beenden sie das verfolgen, niemand soll mir mehr folgen, familie beenden,"
        "arreter le suivi, arretez le suivi, fin du suivi, plus personne ne me suit"
    ),
    Command.BEGIN: (
        "thuisfront, thuisfront inlichten, licht mijn thuisfront in, tell my home front, home front, familie informieren,"
        "informiere meine familie, informer mes proches, informez mes proches"
    ),
    Command.LINK: (
        "stuur de link, stuur de link nog eens, de link, link, geef me de link,"
        "send the link, send the link again, the link, give me the link,"
        "schicken sie den link, schick den link, den link bitte, der link,"
        "envoyez le lien, renvoyez le lien, le lien, envoie le lien"
    ),
}  # fmt: skip
_COURTESIES = re.compile(
    r"\b(?:aub|alsjeblieft|alstublieft|svp|please|pls|bitte|danke|merci|bedankt|thanks|nu|now|s il vous plait|s il te plait)\b"
)
_TAKE_OUT = frozenset(
    ("haal", "verwijder", "remove", "take", "entferne", "entfernen", "nimm", "nehmen", "retire", "retirez", "enleve", "enlevez")
)
_AROUND_NUMBERS = _TAKE_OUT | frozenset(
    ("nummer", "number", "sie", "numero", "nr", "no", "en", "and", "und", "et", "eruit", "weg", "out", "off", "raus", "heraus")
)


def _plain(text: str) -> str:
    """Small letters without accents, one space between words, nothing else."""
    text = unicodedata.normalize("NFKD", text.casefold().replace("ß", "ss"))
    kept = "".join(char for char in text if not unicodedata.combining(char))
    return " ".join(re.sub(r"[^\w\s]|_", " ", kept).split())


_BY_PHRASE = {
    _plain(phrase): command for command, phrases in _COMMANDS.items() for phrase in phrases.split(",")
}  # fmt: skip


def language_of_words(text: str) -> str:
    """nl, en, de or fr where a join was plainly written in it; "" where it could be several, or says nothing of it."""
    points = dict.fromkeys(_JOIN_WORDS, 0.0)
    for word in _plain(text).split():
        if any(char.isdigit() for char in word):
            continue
        for language, known in _JOIN_WORDS.items():
            if word in known:
                points[language] += 1
            elif len(word) > 3 and any(len(one) > 3 and SequenceMatcher(None, word, one).ratio() >= _ALIKE for one in known):
                points[language] += 0.5
    best = max(points.values())
    leading = [language for language, found in points.items() if found == best]
    return leading[0] if best >= 1 and len(leading) == 1 else ""


def says_more(text: str) -> bool:
    """Whether somebody who came by the link says more than that: a person reads it. A greeting and who they are is no more."""
    known = frozenset().union(*_JOIN_WORDS.values())
    others = [
        word for word in _plain(_NUMBERED.sub(" ", _CODE.sub(" ", text))).split()
        if word not in known and word not in _BESIDE
        and not (len(word) > 3 and any(len(one) > 3 and SequenceMatcher(None, word, one).ratio() >= _ALIKE for one in known))
    ]  # fmt: skip
    return "?" in text or len(text.split()) > LONG or len(others) > BESIDE_MAX


def clean_name(said: str) -> str:
    """A name as it may be shown to somebody else: no control signs, links, addresses or numbers of telephones, and no comma,
    which would make it look like two in a list; "" if nothing is left. At most NAME_MAX characters, cut between words where it
    can be."""
    text = "".join(
        char if unicodedata.category(char)[0] != "C" else " " for char in unicodedata.normalize("NFKC", said)
    )
    text = re.sub(r"[{}<>*_~`|\\]", "", text)
    text = re.sub(r"[,;،、]", " ", text)
    text = " ".join(text.split())
    if not text or _LINK.search(text) or not any(char.isalpha() for char in text):
        return ""
    if len(text) <= NAME_MAX:
        return text
    cut = text[:NAME_MAX].rsplit(" ", 1)[0]
    return cut.strip()


def name_in(text: str) -> str:
    """What somebody answers who was asked for a name; "" when this is no answer: a question, a courtesy, too much."""
    if "?" in text or len(text) > 60:
        return ""
    found = _MY_NAME.match(text)
    words = _plain(found.group(1) if found else text).split()
    if not 1 <= len(words) <= 4 or " ".join(words) in _NO_NAME or words[0] in _NO_NAME or (_VERBS | _SAYS_SOMETHING) & set(words):
        return ""
    return clean_name(found.group(1) if found else text).rstrip(".!, ")


def command_of(text: str) -> Command | None:
    """What a traveller asks for in these words, and in no others; None when it is for people."""
    if len(text) > 120:
        return None
    plain = _plain(text)
    return _BY_PHRASE.get(plain) or _BY_PHRASE.get(" ".join(_COURTESIES.sub(" ", plain).split()))


def numbers_in(text: str) -> list[int]:
    """The numbers that somebody answers who was asked whom to take out ("2", "2 en 3", "remove 2"); [] when it is no answer."""
    if len(text) > 80:
        return []
    words = [one for one in _COURTESIES.sub(" ", _plain(text)).split() if one not in _AROUND_NUMBERS]
    if any(not one.isdecimal() or not 1 <= int(one) <= NUMBERS_MAX for one in words):
        return []
    return list(dict.fromkeys(int(one) for one in words))


def takes_out(text: str) -> bool:
    """Whether numbers come with what is to become of them ("remove 2"): then nobody need have asked for them."""
    return bool(_TAKE_OUT & set(_plain(text).split()))
