"""A utility message: an approved template of the Page with its values, as `message.template`.

Source: Meta, "Send a utility message", 13 Mar 2026, and what its users report of it (named parameters since 6 Mar 2026). The
template stands beside `text`, never in an attachment; components are lower case; ONE buttons component matches the approved
buttons by position, also where the parameters are named, and a WhatsApp-style `index` is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.messenger import facts
from connectors.meta.words import filled, sound
from gateway.errors import CannotRender
from gateway.model.message import Button, ButtonKind, Template
from gateway.model.personal import Personal

Json = dict[str, Any]

_TEMPLATE_NAME = re.compile(rf"[a-z0-9_]{{1,{facts.TEMPLATE_NAME_MAX}}}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
_PARAMETER_NAME = re.compile(r"[a-z_][a-z0-9_]{0,63}")

_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u23cf\u23e9-\u23fa\u24c2\u25aa\u25ab"
    "\u25b6\u25c0\u25fb-\u25fe\u2600-\u27bf\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff"
)
"""Unicode's emoji of version 17 and the symbol blocks they live in; without the digits, which Unicode counts among them."""
_PICTURES = re.compile(rf"[{_EMOJI}][\u200d{_EMOJI}\ufe0f\U000e0020-\U000e007f]*|[\ufe0e\ufe0f\u20e3\U000e0020-\U000e007f]")
_NUMBER_SIGN = re.compile("[#\uff03\ufe5f]")
_PERCENT = re.compile("[ \u00a0\u202f]?[%\uff05\ufe6a]")
_DOLLAR = re.compile("[ \u00a0\u202f]?[$\uff04\ufe69][ \u00a0\u202f]?")
_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
_SPACES = re.compile(r" {2,}")


def template_object(content: Template) -> Json:
    """name, language and those components that carry a value; a component without parameters is left out."""
    if not _TEMPLATE_NAME.fullmatch(content.name):
        raise CannotRender(f"a template's name has 1 to {facts.TEMPLATE_NAME_MAX} of a-z, 0-9 and _")
    language = content.language.replace("-", "_")
    if not _LANGUAGE.fullmatch(language):
        raise CannotRender("a template's language is written like nl or en_GB")
    components = [part for part in (_header(content), _body(content), _buttons(content.buttons)) if part is not None]
    value: Json = {"name": content.name, "language": {"code": language}}
    if components:
        value["components"] = components
    return value


def clean_parameter(text: str) -> str:
    """A value as a utility template takes it (error 100/1893043 forbids `#`, `%`, `$` and emoji); never empty.

    What is put in their place is read in every language the same, and claims nothing that we do not know: "#4" -> "4",
    "50%" -> "50 pct" (no look-alike sign: those are refused one day), "$25" -> "dollar 25" (whose dollar, we do not know),
    an emoji goes. One line, as a value stands inside a sentence. "-" where nothing is left, since an empty value is refused.
    """
    text = _CONTROLS.sub("", _BREAKS.sub(" ", text))
    text = _PICTURES.sub(" ", text)
    text = _NUMBER_SIGN.sub("", text)
    text = _DOLLAR.sub(" dollar ", _PERCENT.sub(" pct", text))
    return _SPACES.sub(" ", text).strip() or "-"


def _header(content: Template) -> Json | None:
    if content.header_document is not None:
        raise CannotRender("a utility template carries no document: send it inside the service window")
    if not content.header_parameters:
        return None
    if len(content.header_parameters) > 1:
        raise CannotRender("a template's header has at most one parameter")
    return {"type": "header", "parameters": _parameters("header", content.header_parameters, facts.TEMPLATE_HEADER_MAX)}


def _body(content: Template) -> Json | None:
    if not content.body_parameters:
        return None
    parameters = _parameters("body", content.body_parameters, facts.TEMPLATE_BODY_MAX)
    if sum(len(str(parameter["text"])) for parameter in parameters) > facts.TEMPLATE_BODY_MAX:
        raise CannotRender(f"a template's body has at most {facts.TEMPLATE_BODY_MAX} characters with its values")
    return {"type": "body", "parameters": parameters}


def _parameters(where: str, values: Mapping[str, Personal], limit: int) -> list[Json]:
    parameters: list[Json] = []
    for name, value in values.items():
        if not _PARAMETER_NAME.fullmatch(name):
            raise CannotRender(f"a {where} parameter's name has a-z, 0-9 and _ and begins with a letter")
        text = filled(clean_parameter(value.reveal()), limit, f"the {where} parameter {name}")
        parameters.append({"type": "text", "parameter_name": name, "text": text})
    return parameters


def _buttons(buttons: tuple[Button, ...]) -> Json | None:
    """The one component for all buttons, in the order in which they were approved; none where no button varies.

    A button that must say something and has nothing to say still holds its place: a reply without a payload sends its label.
    """
    if len(buttons) > facts.TEMPLATE_BUTTONS_MAX:
        raise CannotRender(f"a template has at most {facts.TEMPLATE_BUTTONS_MAX} buttons")
    if not any(button.kind is ButtonKind.REPLY or button.url_suffix is not None for button in buttons):
        return None
    return {"type": "buttons", "parameters": [_button_parameter(button) for button in buttons]}


def _button_parameter(button: Button) -> Json:
    if button.kind is ButtonKind.REPLY:
        payload = filled(button.payload or button.label, facts.PAYLOAD_MAX, "a button's payload")
        return {"type": "POSTBACK", "payload": payload}
    if button.url_suffix is None:
        return {"type": "URL", "url": ""}
    suffix = filled(button.url_suffix, facts.URL_MAX, "the end of a button's address")
    if any(char.isspace() for char in suffix):
        raise CannotRender("the end of a button's address holds no spaces")
    return {"type": "URL", "url": sound(suffix, "the end of a button's address")}
