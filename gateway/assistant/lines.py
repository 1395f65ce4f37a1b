"""The house's own lines in a conversation: what each is called, its words in four languages, and which may be switched off.

A line is named by what it is for. `webcare.yaml` names those that a brand does not want said (`silent`); what law or the channel
demands is said all the same: that a machine speaks, and how a person is had. All the lines of one message stand below one label,
so that whoever reads it knows that no person wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LANGUAGES = ("en", "nl", "de", "fr")
"""The first is what is spoken where nothing is known."""

LABEL: Mapping[str, str] = {
    "en": "Automatic message", "nl": "Automatisch bericht", "de": "Automatische Nachricht", "fr": "Message automatique",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LineText:
    """texts: by language, with {names} of what is filled in; demanded: it cannot be switched off; ushers: before a person's words

    Which may be switched off stands in model/webcare.py SILENCEABLE, for whoever reads a plan.
    """

    texts: Mapping[str, str]
    demanded: bool = False
    ushers: bool = False


ASSISTANT, ANSWER, HELPED, WHICH, GLAD = "assistant", "answer", "helped", "which", "glad"
TO_PERSON, HUMAN, BACK, TOOK_OVER, CLOSED, FULL = "to_person", "human", "back", "took_over", "closed", "full"
IDENTITY, CODE_HERE, ENDING = "identity", "code_here", "ending"

LINES: Mapping[str, LineText] = {
    ASSISTANT: LineText(
        {
            "en": "I am the automatic assistant of {brand}. Type *person* at any time.",
            "nl": "Ik ben de automatische assistent van {brand}. Typ op elk moment *mens*.",
            "de": "Ich bin der automatische Assistent von {brand}. Schreiben Sie jederzeit *Mensch*.",
            "fr": "Je suis l'assistant automatique de {brand}. Écrivez *personne* à tout moment.",
        },
        demanded=True,
    ),
    ANSWER: LineText({"en": "{text}", "nl": "{text}", "de": "{text}", "fr": "{text}"}, demanded=True),
    HELPED: LineText(
        {"en": "Did this help?", "nl": "Heeft dit geholpen?", "de": "Hat das geholfen?", "fr": "Cela vous a-t-il aidé ?"},
        demanded=True,
    ),
    WHICH: LineText(
        {
            "en": "Which one do you mean?", "nl": "Welke bedoel je?", "de": "Welches meinen Sie?",
            "fr": "De quoi parlez-vous ?",
        },
        demanded=True,
    ),
    GLAD: LineText(
        {
            "en": "Good to hear. Write to us when there is something else.",
            "nl": "Fijn om te horen. Schrijf ons als er nog iets is.",
            "de": "Das freut uns. Schreiben Sie uns, wenn noch etwas ist.",
            "fr": "Tant mieux. Écrivez-nous s'il y a autre chose.",
        }
    ),
    TO_PERSON: LineText(
        {
            "en": "A person of {brand} will answer you. You need not say it again.",
            "nl": "Een medewerker van {brand} gaat je antwoorden. Je hoeft het niet nog eens te vertellen.",
            "de": "Ein Mensch von {brand} wird Ihnen antworten. Sie müssen nichts noch einmal sagen.",
            "fr": "Une personne de {brand} va vous répondre. Inutile de répéter.",
        },
        demanded=True,
    ),
    HUMAN: LineText(
        {
            "en": "You now talk to {name}, a person.", "nl": "Je praat nu met {name}, een mens.",
            "de": "Sie sprechen jetzt mit {name}, einem Menschen.", "fr": "Vous parlez maintenant avec {name}, une personne.",
        },
        ushers=True,
    ),
    BACK: LineText(
        {
            "en": "You now talk to the automatic assistant of {brand} again. Type *person* at any time.",
            "nl": "Je praat nu weer met de automatische assistent van {brand}. Typ op elk moment *mens*.",
            "de": "Sie sprechen jetzt wieder mit dem automatischen Assistenten von {brand}. Schreiben Sie jederzeit *Mensch*.",
            "fr": "Vous parlez de nouveau avec l'assistant automatique de {brand}. Écrivez *personne* à tout moment.",
        },
        demanded=True,
    ),
    TOOK_OVER: LineText(
        {
            "en": "A colleague takes over.", "nl": "Een collega neemt het over.",
            "de": "Eine Kollegin oder ein Kollege übernimmt.", "fr": "Un collègue prend le relais.",
        }
    ),
    CLOSED: LineText(
        {
            "en": "We are closed now. From {when} a person answers you; you keep your place. Type *status* to see how things "
            "stand.",
            "nl": "We zijn nu gesloten. Vanaf {when} antwoordt een mens; je houdt je plek. Typ *status* om te zien hoe het "
            "staat.",
            "de": "Wir haben gerade geschlossen. Ab {when} antwortet ein Mensch; Ihr Platz bleibt. Schreiben Sie *Status* für "
            "den Stand der Dinge.",
            "fr": "Nous sommes fermés. À partir de {when}, une personne vous répond ; vous gardez votre place. Écrivez *statut* "
            "pour savoir où en sont les choses.",
        }
    ),
    IDENTITY: LineText(
        {
            "en": "Please show us that it is you: {url}\nThe link works for 10 minutes. Never send a code in this chat.",
            "nl": "Laat ons zien dat jij het bent: {url}\nDe link werkt 10 minuten. Stuur nooit een code in deze chat.",
            "de": "Bitte zeigen Sie uns, dass Sie es sind: {url}\nDer Link gilt 10 Minuten. Schicken Sie nie einen Code in "
            "diesem Chat.",
            "fr": "Montrez-nous que c'est bien vous : {url}\nLe lien est valable 10 minutes. N'envoyez jamais de code dans cette "
            "conversation.",
        },
        demanded=True,
    ),
    CODE_HERE: LineText(
        {
            "en": "We have covered the code in your message, and it works no more. Open the link again and ask for a new code "
            "there.",
            "nl": "We hebben de code in je bericht afgedekt. Hij werkt niet meer. Open de link opnieuw en vraag daar een nieuwe "
            "code.",
            "de": "Wir haben den Code in Ihrer Nachricht abgedeckt. Er gilt nicht mehr. Öffnen Sie den Link noch einmal und "
            "fordern Sie dort einen neuen Code an.",
            "fr": "Nous avons masqué le code de votre message ; il n'est plus valable. Rouvrez le lien et demandez-y un nouveau "
            "code.",
        },
        demanded=True,
    ),
    ENDING: LineText(
        {
            "en": "We have not heard from you since, so this conversation ends by itself soon. Is there anything else? "
            "Write to us.",
            "nl": "We hebben sindsdien niets van je gehoord, dus dit gesprek eindigt zo vanzelf. Is er nog iets? Schrijf ons.",
            "de": "Wir haben seitdem nichts von Ihnen gehört, deshalb endet dieses Gespräch bald von selbst. Ist noch etwas? "
            "Schreiben Sie uns.",
            "fr": "Nous n'avons plus eu de vos nouvelles : cette conversation se termine bientôt d'elle-même. Autre chose ? "
            "Écrivez-nous.",
        }
    ),
    FULL: LineText(
        {
            "en": "It takes {wait} until a person answers you. You keep your place.",
            "nl": "Het duurt {wait} tot een mens je antwoordt. Je houdt je plek.",
            "de": "Es dauert {wait}, bis Ihnen ein Mensch antwortet. Ihr Platz bleibt.",
            "fr": "Il faut {wait} avant qu'une personne vous réponde. Vous gardez votre place.",
        }
    ),
}

WITHIN, LONGER, UNKNOWN = "within", "longer", "unknown"
WAITS: Mapping[str, Mapping[str, str]] = {
    WITHIN: {
        "en": "less than {minutes} minutes", "nl": "minder dan {minutes} minuten", "de": "weniger als {minutes} Minuten",
        "fr": "moins de {minutes} minutes",
    },
    LONGER: {
        "en": "more than {minutes} minutes", "nl": "meer dan {minutes} minuten", "de": "mehr als {minutes} Minuten",
        "fr": "plus de {minutes} minutes",
    },
    UNKNOWN: {"en": "a while", "nl": "even", "de": "eine Weile", "fr": "un moment"},
}  # fmt: skip
"""How long FULL takes: its {wait}."""

YES, NO, ELSE = "yes", "no", "else"
LABELS: Mapping[str, Mapping[str, str]] = {
    YES: {"en": "Yes", "nl": "Ja", "de": "Ja", "fr": "Oui"},
    NO: {"en": "No, a person", "nl": "Nee, een mens", "de": "Nein, ein Mensch", "fr": "Non, une personne"},
    ELSE: {"en": "Something else", "nl": "Iets anders", "de": "Etwas anderes", "fr": "Autre chose"},
}

CHOOSE: Mapping[str, str] = {"en": "Choose", "nl": "Kies", "de": "Auswählen", "fr": "Choisir"}
"""On what opens a list."""


def spoken(*languages: str | None) -> str:
    """The first of these that we speak."""
    bases = (one.replace("_", "-").split("-")[0].lower() for one in languages if one)
    return next((one for one in bases if one in LANGUAGES), LANGUAGES[0])


def text_of(name: str, language: str, params: Mapping[str, str]) -> str:
    """A line's words. Raises KeyError for a line or a value that there is not."""
    return LINES[name].texts[language].format_map(dict(params))


def labelled(texts: list[str], language: str) -> str:
    """One message of these lines, below the label."""
    return "\n\n".join([f"_{LABEL[language]}_", *texts])
