"""What one notification says to one reader: language, parameters, buttons, document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gateway.errors import CannotRender
from gateway.model.message import Button, ButtonKind
from gateway.notifications.expressions import Context, Scope, first_value, scope_of
from gateway.notifications.formats import FORMATS, Reader, locale_of
from gateway.notifications.parts import Parameter, RenderedDocument, Rendering, TemplateRef
from gateway.notifications.texts import Texts, clean, fill, isolate, variables

if TYPE_CHECKING:
    from gateway.notifications.model import Notification

LAST_LANGUAGE = "en"


def render(
    notification: Notification,
    context: Context,
    chain: Sequence[str],
    zone: str,
    *,
    brand: str,
    template: TemplateRef | None = None,
) -> Rendering:
    """See `Notification.render`."""
    scope = scope_of(context)
    known = scope.values.get("brand") or {}
    brand_language = str(known.get("language") or LAST_LANGUAGE)
    if not scope.own or notification.reads & scope.own:
        return _rendered(notification, scope, chain, zone, brand, brand_language, template)
    # Nothing in it is this person's own: said once for everybody who reads it in the same way.
    alike = (notification.name, notification.version, tuple(chain), zone, brand, brand_language, template)
    said = scope.said.get(alike)
    if not isinstance(said, Rendering):
        said = scope.said[alike] = _rendered(notification, scope, chain, zone, brand, brand_language, template)
    return said


def _rendered(
    notification: Notification,
    scope: Scope,
    chain: Sequence[str],
    zone: str,
    brand: str,
    brand_language: str,
    template: TemplateRef | None,
) -> Rendering:
    ordered = in_order(notification, chain, brand, brand_language)
    texts = next((one for one in ordered if template is None or _is(one, template)), None)
    if texts is None:
        raise CannotRender(f"{notification.name} has no text for {template.name if template else 'anybody'}")
    reader = Reader(
        language=texts.language,
        locale=_locale_for(texts.language, chain),
        zone=zone,
        now_ms=int(scope.values.get("now_ms") or 0),
        places=notification.places,
    )
    speaker = _Speaker(notification, scope, texts, reader)
    header = speaker.values(texts.header_variables)
    body = speaker.values(texts.body_variables)
    return Rendering(
        notification=notification.name,
        language=texts.language,
        template_name=texts.template,
        template_language=texts.language,
        header_parameters=header,
        body_parameters=body,
        header=fill(texts.header, header) if texts.header else None,
        body=fill(texts.body, body),
        footer=texts.footer,
        buttons=tuple(_buttons(notification, scope, texts)),
        document=_document(notification, scope),
    )


class _Speaker:
    """Parameters of one notification in one language for one reader, each found once."""

    def __init__(self, notification: Notification, scope: Scope, texts: Texts, reader: Reader) -> None:
        self._notification = notification
        self._scope = scope
        self._texts = texts
        self._reader = reader
        self._right_to_left = locale_of(texts.language).text_direction == "rtl"

    def values(self, names: Sequence[str]) -> dict[str, str]:
        return {name: self._value(name) for name in names}

    def _value(self, name: str) -> str:
        """One parameter's text, clean for the channel. Raises CannotRender when there is none."""
        parameter = self._notification.parameters[name]
        phrase = self._joined(parameter) if parameter.joined else self._phrase(parameter)
        if phrase is not None:
            return phrase
        found = self._first(parameter) or self._texts.otherwise.get(name, "")
        said = clean(found, longest=parameter.longest, link=parameter.is_link)
        if not said or len(said) > parameter.longest:
            raise CannotRender(f"{self._notification.name}: parameter {name} has no value that fits")
        return said if parameter.is_link else isolate(said, self._right_to_left)

    def _first(self, parameter: Parameter) -> str | None:
        place = parameter.place.value(self._scope) if parameter.place is not None else None
        for source, form in parameter.sources:
            value = source.value(self._scope)
            if value is None or value == "":
                continue
            words = self._texts.words.get(parameter.name, {})
            found = words.get(str(value)) if form == "word" else FORMATS[form](value, self._reader, place)
            if found:
                return found
        return None

    def _phrase(self, parameter: Parameter) -> str | None:
        """The first phrase that holds, has all its values (clean already) and is not too long."""
        return next((said for said in self._phrases(parameter) if len(said) <= parameter.longest), None)

    def _phrases(self, parameter: Parameter) -> Iterator[str]:
        """Those that hold and have all their values: another one may do without what is missing."""
        for condition, phrase in parameter.phrases:
            if condition is None or condition.holds(self._scope, lambda why: None):
                words = self._texts.phrases[phrase]
                try:
                    yield fill(words, self.values(variables(words)))
                except CannotRender:
                    continue

    def _joined(self, parameter: Parameter) -> str | None:
        """All phrases that hold, for each of the list, or once where there is none. What has no room is left out, with "…"."""
        elements = first_value(parameter.each, self._scope)
        scopes = [self._scope.of(each=one) for one in elements] if isinstance(elements, list) and elements else [self._scope]
        speakers = [_Speaker(self._notification, scope, self._texts, self._reader) for scope in scopes]
        said = " · ".join(part for speaker in speakers if (part := ", ".join(speaker._phrases(parameter))))
        while len(said) > parameter.longest:
            said = said.removesuffix(" …")
            cut = max(said.rfind(", "), said.rfind(" · "))
            said = f"{said[:cut]} …" if cut > 0 else ""
        return said or None


def in_order(notification: Notification, chain: Sequence[str], brand: str, brand_language: str) -> Iterator[Texts]:
    """Its texts for this reader, best first: language by language, the brand's own, then everybody's, newest first."""
    available = {texts.language for texts in notification.texts}
    for language in language_order(chain, brand_language, available):
        here = [one for one in notification.texts if one.language == language and one.brand in (brand, None)]
        own = max((one.version for one in here if one.brand is not None), default=0)
        # What is everybody's comes after the brand's own, unless it is newer: then the brand has given up its own.
        yield from sorted(here, key=lambda one: (one.brand is None and one.version <= own, -one.version))


def language_order(chain: Sequence[str], brand_language: str, available: set[str]) -> list[str]:
    """The available languages in this reader's order: each of the chain exactly, without its region, then as a
    neighbour's (en_GB for en_AU); then the brand's, then English, then any."""
    order: list[str] = []
    for tag in (*chain, brand_language, LAST_LANGUAGE):
        parts = tag.replace("-", "_").split("_")
        base = parts[0].lower()
        region = next((part.upper() for part in parts[1:] if len(part) == 2), None)
        neighbours = sorted(one for one in available if one.split("_")[0] == base)
        order += [one for one in (f"{base}_{region}", base, *neighbours) if one in available]
    return list(dict.fromkeys((*order, *sorted(available))))


def _is(texts: Texts, template: TemplateRef) -> bool:
    return (texts.template, texts.language) == (template.name, template.language)


def _locale_for(language: str, chain: Sequence[str]) -> str:
    """The reader's own region decides how dates look, as long as it is the text's language."""
    base = language.split("_")[0]
    return next((tag for tag in chain if tag.replace("-", "_").split("_")[0].lower() == base), language)


def _buttons(notification: Notification, scope: Scope, texts: Texts) -> Iterator[Button]:
    for spec in notification.buttons:
        label = texts.buttons.get(spec.key)
        if label is None:
            continue  # an older version of the text may lack a newer button
        if spec.kind is ButtonKind.REPLY:
            yield Button(kind=spec.kind, label=label, payload=f"{notification.name}/{spec.key}")
        elif spec.suffix is None:
            yield Button(kind=spec.kind, label=label, url=spec.url)
        else:
            suffix = spec.suffix.value(scope)
            if not isinstance(suffix, str) or not suffix:
                raise CannotRender(f"{notification.name}: button {spec.key} has no address")
            yield Button(kind=spec.kind, label=label, url=spec.url + suffix, url_suffix=suffix)


def _document(notification: Notification, scope: Scope) -> RenderedDocument | None:
    spec = notification.document
    if spec is None:
        return None
    source = first_value(spec.sources, scope)
    if source is None:
        raise CannotRender(f"{notification.name}: the document has no source")
    return RenderedDocument(str(source), spec.header, spec.filename)
