"""Whether somebody asks how something of theirs stands (a train, a parcel, an outage), wants a person, or says that this helped.

The same grammar as for those at home (rules/asking.py) decides on the question: what is theirs ("my parcel", "mijn trein") takes
the place of the journey there. Some sentences are of parcels and outages alone. Precision goes before recall here too: whoever
asks anything else has a person at once, and a wrong answer costs more than a minute's wait. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from gateway.rules.asking import LONGEST, Names, asked_in, plain

JOURNEY, ORDER, OUTAGE = "journey", "order", "outage"
KINDS = (JOURNEY, ORDER, OUTAGE)

_OWN: Mapping[str, tuple[str, str]] = {  # language -> (words before it, how the grammar calls it)
    "nl": (r"mijn|m'n|mn|onze|ons|de|het|een", "de vlucht"),
    "en": (r"my|our|the|a|an", "the flight"),
    "de": (r"mein|meine|meinen|meiner|meinem|unser|unsere|unseren|der|die|das|den|dem", "der Flug"),
    "fr": (r"mon|ma|mes|notre|le|la|les|du|un|une", "le vol"),
}
_NOUNS: Mapping[str, Mapping[str, str]] = {
    "nl": {
        JOURNEY: "trein|vlucht|reis|vliegtuig",
        ORDER: "pakket|pakketje|pakje|bestelling|order|levering|bezorging|zending",
        OUTAGE: "storing|stroomstoring|internetstoring|stroom|internet",
    },
    "en": {
        JOURNEY: "train|flight|trip|journey|plane",
        ORDER: "parcel|package|order|delivery|shipment",
        OUTAGE: "outage|power cut|power outage|blackout|disruption|power|internet",
    },
    "de": {
        JOURNEY: "zug|flug|reise|flieger|flugzeug",
        ORDER: "paket|päckchen|bestellung|lieferung|sendung",
        OUTAGE: "störung|stromausfall|ausfall|strom|internet",
    },
    "fr": {
        JOURNEY: "train|vol|voyage|avion",
        ORDER: "colis|commande|livraison|paquet|envoi",
        OUTAGE: "panne|coupure|panne de courant|courant|internet",
    },
}
_BARE = {  # language -> one word that asks it all
    "nl": "status|stand",
    "en": "status|update",
    "de": "status|stand",
    "fr": "statut|état",
}
_SENTENCES: Mapping[str, Mapping[str, tuple[str, ...]]] = {  # THING: what is theirs; a whole sentence each, in plain words
    "nl": {
        JOURNEY: (
            r"(heeft|is er) THING vertraging",
            r"(rijdt|gaat|vertrekt) THING( op tijd| nog)?",
            r"is THING (op tijd|te laat)",
            r"hoe laat (vertrekt|gaat|komt) THING( aan)?",
        ),
        ORDER: (
            r"waar (is|blijft) THING( nu| nou)?",
            r"wanneer (komt|krijg ik|wordt) THING( bezorgd| geleverd| aan)?",
            r"is THING (al )?(verzonden|onderweg|bezorgd)",
        ),
        OUTAGE: (
            r"(wanneer|hoe laat) (is|wordt) THING (voorbij|opgelost|klaar|verholpen)",
            r"hoe lang duurt THING( nog)?",
            r"is THING (al )?(voorbij|opgelost|verholpen)",
            r"wanneer (heb|hebben|krijgen|krijg) (ik|we|wij) (weer )?THING( terug)?",
            r"wanneer doet THING het weer",
        ),
    },
    "en": {
        JOURNEY: (
            r"(is|does|has) THING (have )?(on time|late|delayed|a delay|delay)",
            r"(when|what time) does THING (leave|depart|arrive)",
            r"is THING (still )?running",
            r"any delay (on|with|for) THING",
        ),
        ORDER: (
            r"wheres THING( now)?",
            r"where (is|are) THING( now)?",
            r"when (will|does|is) THING (come|arrive|be delivered|be here|coming|arriving)",
            r"has THING (been )?(shipped|sent|delivered|left)( yet)?",
            r"when (will|do) i get THING",
        ),
        OUTAGE: (
            r"when (is|will) THING (be )?(over|fixed|solved|back|restored|resolved)",
            r"is THING (over|fixed|back|solved|resolved)( yet)?",
            r"how long (will|does) THING (still )?(last|take)",
            r"when (will|do) (i|we) (have|get) THING( back| again)?",
        ),
    },
    "de": {
        JOURNEY: (
            r"hat THING verspätung",
            r"ist THING (pünktlich|verspätet)",
            r"(wann|um wie viel uhr) (fährt|geht|fliegt|kommt) THING( ab| an)?",
            r"(fährt|fliegt) THING( noch)?",
        ),
        ORDER: (
            r"wo (ist|bleibt) THING( jetzt| gerade)?",
            r"wann (kommt|bekomme ich|wird) THING( an| geliefert| zugestellt)?",
            r"ist THING (schon )?(unterwegs|verschickt|versandt|geliefert|zugestellt)",
        ),
        OUTAGE: (
            r"wann (ist|wird) THING (vorbei|behoben|zu ende|wieder da)",
            r"ist THING (schon )?(vorbei|behoben|wieder da)",
            r"wie lange dauert THING( noch)?",
            r"wann (habe|haben|bekommen|bekomme) (ich|wir) wieder THING",
        ),
    },
    "fr": {
        JOURNEY: (
            r"THING (est il|est elle|a t il|a t elle) (à lheure|en retard|du retard)",
            r"est ce que THING est (à lheure|en retard)",
            r"à quelle heure (part|arrive) THING",
            r"THING est (à lheure|en retard)",
        ),
        ORDER: (
            r"où (est|en est) THING",
            r"quand (arrive|arrivera|vais je recevoir|est ce que je reçois) THING",
            r"THING (est il|est elle) (parti|partie|livré|livrée|expédié|expédiée)",
        ),
        OUTAGE: (
            r"quand (est ce que )?THING (sera|est) (t il |t elle )?(finie|fini|réparée|réparé|rétabli|terminée|résolue)",
            r"(combien de temps )?(dure|va durer) (encore )?THING",
            r"THING (est elle|est il) (réparée|finie|rétabli)",
            r"quand (aurons nous|aurai je) (à nouveau |de nouveau )?THING",
        ),
    },
}
_POLITE = {
    "nl": r"hallo|hoi|hi|goedemorgen|goedemiddag|goedenavond|dag|"
    r"alsjeblieft|alstublieft|aub|svp|graag|dank je|dank u|bedankt|weet (je|u|jullie)",
    "en": r"hello|hi|hey|good morning|good afternoon|good evening|please|thanks|thank you|can you tell me|do you know",
    "de": r"hallo|hi|guten (tag|morgen|abend)|bitte|gern|gerne|danke|wissen sie|weißt du",
    "fr": r"bonjour|bonsoir|salut|sil vous plaît|svp|merci|savez vous",
}
_PERSON = {
    "nl": r"mens|persoon|medewerker|medewerkster|collega|iemand",
    "en": r"person|human|agent|operator|representative|someone|somebody|employee|real person",
    "de": r"mensch|menschen|mitarbeiter|mitarbeiterin|person|jemand|jemanden|jemandem",
    "fr": r"personne|humain|conseiller|conseillère|agent|quelqu un|quelquun",
}
_TO_PERSON = {
    "nl": r"(ik wil |mag ik |kan ik |graag )*((met )?(een |n )?(echte? )?(PERSON))( (aan de lijn|spreken|praten|chatten))?",
    "en": r"((i want|i would like|id like|i need|can i|may i|let me|could i) )?((to )?(talk|speak|chat) (to|with) )?"
    r"((a|an) )?(real |live )?(PERSON)",
    "de": r"((ich möchte|ich will|kann ich|bitte) )*((mit )?(einem |einer |einen |ein )?"
    r"(echten |richtigen )?(PERSON))( (sprechen|reden|chatten))?",
    "fr": r"((je veux|je voudrais|puis je|jaimerais) )?((parler|discuter) (à|avec) )?((un|une) )?(vrai |vraie )?(PERSON)",
}
_YES = frozenset(("yes", "yep", "yeah", "sure", "ja", "jawel", "oui", "si", "super", "perfect", "prima", "top"))
_NO = frozenset(("no", "nope", "nee", "neen", "nein", "non"))


@dataclass(frozen=True, slots=True)
class OwnQuestion:
    """language: in which it is asked, "" in several alike; kind: of what (journey, order, outage), "" of whatever there is"""

    language: str
    kind: str = ""


def asked(text: str, names: Names | None = None) -> OwnQuestion | None:
    """Whether a text asks how something of theirs stands, and nothing else. names: what only their journeys are called"""
    if not text.strip() or len(text) > LONGEST:
        return None
    words = _plain(text)
    bare_in = [one for one in _OWN if re.fullmatch(_BARE[one], _without_courtesy(words, one))]
    if bare_in:
        return OwnQuestion(bare_in[0] if len(bare_in) == 1 else "")
    for language in _OWN:
        bare = _without_courtesy(words, language)
        for kind, sentences in _sentences(language).items():
            if sentences.fullmatch(bare):
                return OwnQuestion(language, kind)
    for language, (_, journey) in _OWN.items():
        for kind, thing in _things(language).items():
            changed, count = thing.subn(journey, text)
            if count and asked_in(changed, names) is not None:
                return OwnQuestion(language, kind)
    language_of_it = asked_in(text, names)
    return OwnQuestion(language_of_it, JOURNEY if names is not None else "") if language_of_it is not None else None


def wants_person(text: str) -> bool:
    """Whether a text asks for a person and nothing else, in any of our languages; "no, a person" is what our own button says."""
    words = _plain(text)
    first, _, rest = words.partition(" ")
    words = rest if rest and first in _NO else words
    return any(pattern.fullmatch(_without_courtesy(words, language)) for language, pattern in _persons().items())


def says_yes(text: str) -> bool:
    return _one_word(text) in _YES


def says_no(text: str) -> bool:
    return _one_word(text) in _NO


def _one_word(text: str) -> str:
    words = plain(text)
    return words[0] if len(words) == 1 else ""


def _plain(text: str) -> str:
    """Small letters, accents kept, apostrophes gone, everything else that is no letter a space."""
    kept = re.sub(r"['’‘`´]", "", text.casefold())
    return " ".join(re.sub(r"[^\w]+", " ", kept).split())


def _without_courtesy(words: str, language: str) -> str:
    polite = _POLITE[language]
    changed = re.sub(rf"^(?:(?:{polite}) ?)+", "", words)
    return re.sub(rf"(?: (?:{polite}))+$", "", changed).strip() or words


@lru_cache(maxsize=4)
def _things(language: str) -> Mapping[str, re.Pattern[str]]:
    before, _ = _OWN[language]
    return {kind: re.compile(rf"\b(?:(?:{before})\s+)(?:{nouns})\b", re.IGNORECASE) for kind, nouns in _NOUNS[language].items()}


@lru_cache(maxsize=4)
def _sentences(language: str) -> Mapping[str, re.Pattern[str]]:
    before, _ = _OWN[language]
    made = {}
    for kind, listed in _SENTENCES[language].items():
        thing = rf"(?:(?:{before.replace(chr(39), '')}) )?(?:{_NOUNS[language][kind]})"
        made[kind] = re.compile("|".join(f"(?:{one.replace('THING', thing)})" for one in listed))
    return made


@lru_cache(maxsize=1)
def _persons() -> Mapping[str, re.Pattern[str]]:
    return {language: re.compile(text.replace("PERSON", _PERSON[language])) for language, text in _TO_PERSON.items()}
