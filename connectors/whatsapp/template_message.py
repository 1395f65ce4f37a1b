"""An approved template with its values, as the `template` object of a message.

Named parameters only: a template is named or positional for good, and a name in the wrong place is seen at once while a
number is not. Source: Meta, "Template messages" and "Template components", Nov 2025 to Sep 2026.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.meta.words import filled, sound
from connectors.whatsapp import facts
from connectors.whatsapp.words import header_media
from gateway.errors import CannotRender
from gateway.model.message import Button, ButtonKind, Template
from gateway.model.personal import Personal

Json = dict[str, Any]

_TEMPLATE_NAME = re.compile(rf"[a-z0-9_]{{1,{facts.TEMPLATE_NAME_MAX}}}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
_PARAMETER_NAME = re.compile(r"[a-z_][a-z0-9_]{0,63}")
_NAMED_VARIABLE = re.compile(r"\{\{\s*([a-z_][a-z0-9_]*)\s*\}\}")
_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
_SPACES = re.compile(r" {2,}")


def template_object(content: Template) -> Json:
    """name, language and those components that carry a value; a component without parameters is left out."""
    if not _TEMPLATE_NAME.fullmatch(content.name):
        raise CannotRender(f"a template's name has 1 to {facts.TEMPLATE_NAME_MAX} of a-z, 0-9 and _")
    # Meta's webhooks write en-US where its API wants en_US.
    language = content.language.replace("-", "_")
    if not _LANGUAGE.fullmatch(language):
        raise CannotRender("a template's language is written like nl or en_GB")
    components = [part for part in (_header(content), _body(content)) if part is not None]
    components += _buttons(content.buttons)
    value: Json = {"name": content.name, "language": {"code": language}}
    if components:
        value["components"] = components
    return value


def clean_value(text: str) -> str:
    """A value as a template takes it: no line break, tab or run of spaces (error 132018). A no-break space stays."""
    if text.isprintable() and "  " not in text:  # no control, no break: nearly every value
        return text.strip(" ")
    return _SPACES.sub(" ", _CONTROLS.sub("", _BREAKS.sub(" ", text))).strip(" ")


def _header(content: Template) -> Json | None:
    if content.header_document is not None:
        if content.header_parameters:
            raise CannotRender("a template's header is a text, an image or a document")
        if content.header_document.mime not in {*facts.IMAGE_MIMES, "application/pdf"}:
            raise CannotRender("a template's header is a JPEG or PNG image or a PDF document")
        return {"type": "header", "parameters": [header_media(content.header_document, content.media_id)]}
    if not content.header_parameters:
        return None
    if len(content.header_parameters) > 1:
        raise CannotRender("a template's header has at most one parameter")
    return {"type": "header", "parameters": _parameters("header", content.header_parameters, facts.HEADER_MAX)}


def _body(content: Template) -> Json | None:
    if not content.body_parameters:
        return None
    alone = not (content.header_parameters or content.header_document or content.buttons)
    limit = facts.TEMPLATE_BODY_ALONE_MAX if alone else facts.TEMPLATE_BODY_MAX
    parameters = _parameters("body", content.body_parameters, limit)
    if sum(len(str(parameter["text"])) for parameter in parameters) > limit:
        raise CannotRender(f"a template's body has at most {limit} characters with its values")
    return {"type": "body", "parameters": parameters}


def _parameters(where: str, values: Mapping[str, Personal], limit: int) -> list[Json]:
    parameters: list[Json] = []
    for name, value in values.items():
        if not _PARAMETER_NAME.fullmatch(name):
            raise CannotRender(f"a {where} parameter's name has a-z, 0-9 and _ and begins with a letter")
        text = filled(clean_value(value.reveal()), limit, f"the {where} parameter {name}")
        parameters.append({"type": "text", "parameter_name": name, "text": text})
    return parameters


def _buttons(buttons: tuple[Button, ...]) -> list[Json]:
    """Components for the buttons that vary. `index` counts all the buttons of the template, so all must be given."""
    if len(buttons) > facts.TEMPLATE_BUTTONS_MAX:
        raise CannotRender(f"a template has at most {facts.TEMPLATE_BUTTONS_MAX} buttons")
    components: list[Json] = []
    for index, button in enumerate(buttons):
        parameter = _button_parameter(button)
        if parameter is not None:
            sub_type = "quick_reply" if button.kind is ButtonKind.REPLY else "url"
            components.append(
                {"type": "button", "sub_type": sub_type, "index": str(index), "parameters": [parameter]}
            )
    return components


def _button_parameter(button: Button) -> Json | None:
    if button.kind is ButtonKind.REPLY:
        if not button.payload:
            return None  # its label comes back instead
        return {"type": "payload", "payload": filled(button.payload, facts.PAYLOAD_MAX, "a button's payload")}
    if button.url_suffix is None:
        return None
    suffix = filled(button.url_suffix, facts.URL_MAX, "the end of a button's address")
    if any(char.isspace() for char in suffix):
        raise CannotRender("the end of a button's address holds no spaces")
    parameter: Json = {"type": "text", "text": sound(suffix, "the end of a button's address")}
    named = _NAMED_VARIABLE.search(button.url)
    if named:
        parameter["parameter_name"] = named[1]
    return parameter
