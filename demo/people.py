"""Six people with phones, and five at home. All numbers are of ranges kept for fiction."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    given: str
    family: str
    number: str
    locale: str
    timezone: str
    customer: str
    purpose: str
    wording: str

    @property
    def language(self) -> str:
        return self.locale[:2]


EVA = Person("eva", "Eva", "Jansen", "+447700900123", "nl-NL", "Europe/Amsterdam", "C-20817", "journey", "journey-nl-3")
TOM = Person("tom", "Tom", "de Wit", "+447700900124", "en-GB", "Europe/London", "C-20818", "journey", "journey-en-3")
MILA = Person("mila", "Mila", "Berg", "+447700900126", "en-GB", "Europe/Amsterdam", "C-31007", "journey", "journey-en-3")
NOOR = Person("noor", "Noor", "Smit", "+447700900125", "nl-NL", "Europe/Amsterdam", "C-40001", "service", "service-nl-1")
DAAN = Person("daan", "Daan", "Visser", "+447700900127", "en-GB", "Europe/Amsterdam", "C-40002", "service", "service-en-1")
FINN = Person("finn", "Finn", "Bakker", "+447700900128", "nl-NL", "Europe/Amsterdam", "C-31008", "journey", "journey-nl-3")


def _at_home(name: str, given: str, family: str, number: str, locale: str, timezone: str) -> Person:
    """Somebody whom no system of ours knows until they write. Their phone is called what they call themselves in WhatsApp."""
    return Person(name, given, family, number, locale, timezone, "", "family", "")


CORRIE = _at_home("Corrie", "Corrie", "Jansen", "+447700900131", "nl-NL", "Europe/Amsterdam")
HENK = _at_home("Henk", "Henk", "Jansen", "+447700900132", "nl-NL", "Europe/Amsterdam")
ROSE = _at_home("Rose", "Rose", "Hill", "+447700900133", "en-GB", "Europe/London")
UWE = _at_home("Uwe", "Uwe", "Jansen", "+447700900134", "de-DE", "Europe/Berlin")
LENA = _at_home("Lena", "Lena", "Vogt", "+447700900135", "de-DE", "Europe/Berlin")
EVERYBODY = (EVA, TOM, MILA, FINN, NOOR, DAAN, CORRIE, HENK, ROSE, UWE, LENA)
PAGE = "141421356237302"
"""The railway's Page on Facebook."""
AIR_PAGE = "141421356237301"
"""The airline's."""
