"""What a template must be to be taken for review at all; each refusal has Meta's subcode.

Limits: Meta's "Template components" page, November 2025.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

from sandbox.errors import GraphError, review_error
from sandbox.store import Json

NAME = re.compile(r"[a-z0-9_]{1,512}\Z")
LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?\Z")
_BRACES = re.compile(r"\{\{|\}\}")
_VARIABLE = re.compile(r"\{\{([^{}]*)\}\}")
_NAMED = re.compile(r"[a-z][a-z0-9_]*\Z")
HEADER_MOST, BODY_MOST, FOOTER_MOST, LABEL_MOST, URL_MOST, PHONE_MOST, CODE_MOST = 60, 1_024, 60, 25, 2_000, 20, 15
# A template needs some words around its variables: by observation about 2 for each, plus one.
WORDS_A_VARIABLE = 2
_MEDIA_FORMATS = ("IMAGE", "VIDEO", "DOCUMENT")
_TTL = {"AUTHENTICATION": (30, 900), "UTILITY": (30, 43_200), "MARKETING": (43_200, 2_592_000)}
# subcodes: 40 length, 47 header, 72 body, 73 footer, 293 too many variables, 299 variable at the edge
LENGTH, HEADER, BODY, FOOTER, TOO_MANY, EDGE = 2388040, 2388047, 2388072, 2388073, 2388293, 2388299

HandleKnown = Callable[[str], bool]


def bad(details: str) -> GraphError:
    return GraphError(100, details)


def check_ttl(category: str, ttl: Any) -> None:
    if ttl is None:
        return
    least, most = _TTL[category]
    if not isinstance(ttl, int) or isinstance(ttl, bool) or not (
            least <= ttl <= most or (ttl == -1 and category != "MARKETING")):
        raise bad(f"message_send_ttl_seconds of {category} must be from {least} to {most}, or -1.")


def check_components(components: Any, category: str, named: bool, handle_known: HandleKnown) -> list[Json]:
    """Components with types and formats in upper case. raises: GraphError 100 with a subcode where Meta has one"""
    if not isinstance(components, list) or not all(isinstance(part, dict) for part in components):
        raise bad("The parameter components must be an array of objects.")
    checked: dict[str, Json] = {}
    for part in components:
        kind = str(part.get("type", "")).upper()
        if kind not in _CHECKS:
            raise bad(f"components: type {kind[:40]!r} is not supported here.")
        if kind in checked:
            raise bad(f"components: only one {kind} is allowed.")
        clean = {**part, "type": kind}
        if kind == "HEADER":
            clean["format"] = str(part.get("format", "TEXT")).upper()
        if kind == "BUTTONS":
            buttons = part.get("buttons")
            if not isinstance(buttons, list) or not all(isinstance(button, dict) for button in buttons):
                raise bad("components: BUTTONS needs an array of buttons.")
            clean["buttons"] = [{**button, "type": str(button.get("type", "")).upper()} for button in buttons]
        _CHECKS[kind](clean, category, named, handle_known)
        checked[kind] = clean
    if "BODY" not in checked:
        raise review_error(BODY, "Body is missing", "A template needs a body.")
    return [checked[kind] for kind in _CHECKS if kind in checked]


def variables(text: str, named: bool, subcode: int) -> list[str]:
    """Names of the variables in order of appearance; braces balanced, numbered without gaps, or named rightly."""
    found = [name.strip() for name in _VARIABLE.findall(text)]
    if len(_BRACES.findall(text)) != 2 * len(found):
        raise review_error(subcode, "Variables are malformed", "The braces of the variables do not match.")
    names = list(dict.fromkeys(found))
    if named and not all(_NAMED.match(name) for name in names):
        raise review_error(subcode, "Variables are malformed",
                           "Named variables consist of lower-case letters, digits and underscores.")
    if named and len(names) != len(found):
        raise review_error(subcode, "Variables are not unique", "Every variable may stand in the text once.")
    if not named and names != [str(number + 1) for number in range(len(names))]:
        raise review_error(subcode, "Variables are malformed", "Variables must be numbered {{1}}, {{2}} and so on, in order.")
    return names


def _examples(part: Json, key: str, names: list[str], named: bool, subcode: int) -> None:
    """Every variable needs its example: header_text, body_text (array in array) or ..._named_params."""
    if not names:
        return
    example = part.get("example") if isinstance(part.get("example"), dict) else {}
    assert isinstance(example, dict)
    given: list[str] = []
    if named:
        items = example.get(key + "_named_params")
        for item in items if isinstance(items, list) else []:
            if isinstance(item, dict) and item.get("example"):
                given.append(str(item.get("param_name")))
        complete = set(names) <= set(given)
    else:
        values: Any = example.get(key)
        if key == "body_text" and isinstance(values, list) and values and isinstance(values[0], list):
            values = values[0]
        elif key == "body_text":
            values = None
        complete = isinstance(values, list) and len(values) == len(names) and all(
            isinstance(value, str) and value for value in values)
    if not complete:
        raise review_error(subcode, "Examples are missing", "Every variable needs an example of what it may contain.")


def _text(part: Json, most: int, subcode: int, where: str) -> str:
    text = part.get("text")
    if not isinstance(text, str) or not text.strip():
        raise review_error(subcode, f"{where} text is missing", f"The {where.lower()} needs a text.")
    if len(text) > most:
        raise review_error(LENGTH, "Text is too long", f"The {where.lower()} may have at most {most} characters.")
    return text


def _edge(text: str) -> None:
    bare = text.strip()
    if bare.startswith("{{") or bare.endswith("}}"):
        raise review_error(EDGE, "Leading or trailing parameters not allowed",
                           "Variables cannot be at the start or end of the template.")


def _header(part: Json, category: str, named: bool, handle_known: HandleKnown) -> None:
    kind = part["format"]
    if category == "AUTHENTICATION":
        raise review_error(HEADER, "Header not allowed", "Authentication templates have no header.")
    if kind == "TEXT":
        text = _text(part, HEADER_MOST, HEADER, "Header")
        names = variables(text, named, HEADER)
        if len(names) > 1 or "\n" in text or "*" in text:
            raise review_error(HEADER, "Header is malformed", "A header is one line with at most one variable, no markup.")
        _examples(part, "header_text", names, named, HEADER)
    elif kind in _MEDIA_FORMATS:
        example = part.get("example")
        handles = example.get("header_handle") if isinstance(example, dict) else None
        if not isinstance(handles, list) or len(handles) != 1 or not handle_known(str(handles[0])):
            raise review_error(HEADER, "Header example is missing",
                               "A media header needs example.header_handle from the Resumable Upload API.")
    elif kind != "LOCATION":
        raise review_error(HEADER, "Header format not supported", "The format must be TEXT, IMAGE, VIDEO, DOCUMENT or LOCATION.")


def _body(part: Json, category: str, named: bool, handle_known: HandleKnown) -> None:
    if category == "AUTHENTICATION":
        if part.get("text") is not None:
            raise review_error(BODY, "Body not allowed", "The text of authentication templates is fixed.")
        return
    text = _text(part, BODY_MOST, BODY, "Body")
    names = variables(text, named, BODY)
    _edge(text)
    _examples(part, "body_text", names, named, BODY)
    words = len(_VARIABLE.sub(" ", text).split())
    if names and words < WORDS_A_VARIABLE * len(names) + 1:
        raise review_error(TOO_MANY, "Too many variables for the length",
                           "The template has too many variables for its length; add words or use fewer variables.")


def _footer(part: Json, category: str, named: bool, handle_known: HandleKnown) -> None:
    if category == "AUTHENTICATION":
        minutes = part.get("code_expiration_minutes")
        if not isinstance(minutes, int) or not 1 <= minutes <= 90:
            raise review_error(FOOTER, "Footer is malformed", "code_expiration_minutes must be from 1 to 90.")
        return
    if _VARIABLE.search(_text(part, FOOTER_MOST, FOOTER, "Footer")):
        raise review_error(FOOTER, "Footer is malformed", "A footer has no variables.")


_MOST = {"QUICK_REPLY": 10, "URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1, "OTP": 1}


def _buttons(part: Json, category: str, named: bool, handle_known: HandleKnown) -> None:
    buttons = part["buttons"]
    if not 1 <= len(buttons) <= 10:
        raise bad("components: from 1 to 10 buttons are allowed.")
    kinds = [button["type"] for button in buttons]
    for kind in kinds:
        if kind not in _MOST:
            raise bad(f"components: a button of type {kind[:40]!r} is not supported here.")
        if kinds.count(kind) > _MOST[kind]:
            raise bad(f"components: at most {_MOST[kind]} buttons of type {kind} are allowed.")
    if (category == "AUTHENTICATION") != ("OTP" in kinds):
        raise bad("components: authentication templates have one OTP button, others none.")
    quick = [kind == "QUICK_REPLY" for kind in kinds]
    if sum(one != other for one, other in itertools.pairwise(quick)) > 1:
        raise bad("components: quick replies and other buttons must form two groups.")
    for button in buttons:
        _button(button, named)


def _button(button: Json, named: bool) -> None:
    kind, label = button["type"], button.get("text")
    if kind in ("QUICK_REPLY", "URL", "PHONE_NUMBER") and (not isinstance(label, str) or not 1 <= len(label) <= LABEL_MOST):
        raise review_error(LENGTH, "Button label", f"A button's text has 1 to {LABEL_MOST} characters.")
    if isinstance(label, str) and _VARIABLE.search(label):
        raise bad("components: a button's text has no variables.")
    if kind == "URL":
        url = button.get("url")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")) or len(url) > URL_MOST:
            raise bad("components: a URL button needs an http(s) url of at most 2000 characters.")
        found = _VARIABLE.findall(url)
        if found and (len(found) > 1 or not url.rstrip().endswith("}}")):
            raise bad("components: a url has at most one variable, at its very end.")
        if found and not (isinstance(button.get("example"), list) and button["example"]):
            raise bad("components: a url with a variable needs an example.")
    elif kind == "PHONE_NUMBER" and not 1 <= len(str(button.get("phone_number") or "")) <= PHONE_MOST:
        raise bad(f"components: a phone number has at most {PHONE_MOST} characters.")
    elif kind == "COPY_CODE":
        example = button.get("example")
        code = example[0] if isinstance(example, list) and example else example
        if not isinstance(code, str) or not 1 <= len(code) <= CODE_MOST:
            raise bad(f"components: COPY_CODE needs an example of at most {CODE_MOST} characters.")
    elif kind == "OTP" and button.get("otp_type") not in ("COPY_CODE", "ONE_TAP", "ZERO_TAP"):
        raise bad("components: otp_type must be COPY_CODE, ONE_TAP or ZERO_TAP.")


def _offer(part: Json, category: str, named: bool, handle_known: HandleKnown) -> None:
    offer = part.get("limited_time_offer")
    if category != "MARKETING" or not isinstance(offer, dict) or not 1 <= len(str(offer.get("text", ""))) <= 16:
        raise bad("components: LIMITED_TIME_OFFER is for marketing and needs a text of at most 16 characters.")


# in the order in which they are shown
_CHECKS: dict[str, Callable[[Json, str, bool, HandleKnown], None]] = {
    "HEADER": _header, "LIMITED_TIME_OFFER": _offer, "BODY": _body, "FOOTER": _footer, "BUTTONS": _buttons}
