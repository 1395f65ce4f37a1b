"""What a utility template must be to go to review, and what the review refuses.

Meta, "Send a utility message" and the Page's "Message Templates" edge, 13 March 2026; subcodes as observed in 2026. At most
one header, one body, three buttons (POSTBACK, URL, PHONE_NUMBER).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.messenger.errors import PageError, invalid
from sandbox.messenger.reading import some, text, thing
from sandbox.store import Json

NAME = re.compile(r"[a-z0-9_]{1,512}\Z")
LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?\Z")
HEADER_MOST, BODY_MOST, LABEL_MOST, URL_MOST, BUTTONS_MOST, PAYLOAD_MOST = 60, 1_024, 20, 2_000, 3, 1_000
WORDS_A_VARIABLE = 2  # by observation: about two words for each placeholder, plus one
REASONS = ("NONE", "INCORRECT_PARAMS", "PARAMS_TO_WORD_RATIO_EXCEED_LIMIT", "TAG_SHOULD_BE_MARKETING",
           "TEMPLATE_VARIABLES_MISSING_SAMPLE_VALUES", "ABUSIVE_CONTENT")
_VARIABLE = re.compile(r"\{\{([^{}]*)\}\}")
_NAMED = re.compile(r"[a-z][a-z0-9_]*\Z")
_EDGE = re.compile(r"\A\s*\{\{|\}\}\s*\Z")
_PROMOTION = re.compile(
    r"\b(discounts?|sale|special offer|% off|coupon|promo(tion)?|black friday|aanbieding|korting|uitverkoop|rabatt|angebot|"
    r"soldes|r[ée]duction)\b", re.IGNORECASE)
_SECRETS = re.compile(r"\b(card|account|passport|social security|burgerservice|kaart|rekening|paspoort)\s?-?(number|nummer)\b",
                      re.IGNORECASE)

HandleKnown = Callable[[str], bool]


def check(components: Any, handle_known: HandleKnown) -> list[Json]:
    """Components with types in upper case, in their order. raises: 100, 100/2018416, 100/2388051"""
    found: dict[str, Json] = {}
    for place, one in enumerate(some(components, "components", 1, 3)):
        path = f"components[{place}]"
        part = {**thing(one, path), "type": str(one.get("type", "")).upper()}
        if part["type"] not in ("HEADER", "BODY", "BUTTONS") or part["type"] in found:
            raise invalid(f"Param {path}[type] must be one of {{HEADER, BODY, BUTTONS}}, each once")
        if part["type"] == "HEADER":
            _header(part, path, handle_known)
        elif part["type"] == "BODY":
            text(part.get("text"), f"{path}[text]", BODY_MOST)
        else:
            part["buttons"] = [_button(button, f"{path}[buttons][{index}]") for index, button in
                               enumerate(some(part.get("buttons"), f"{path}[buttons]", 1, BUTTONS_MOST))]
        found[part["type"]] = part
    if "BODY" not in found:
        raise invalid("The parameter components must have a BODY")
    return [found[kind] for kind in ("HEADER", "BODY", "BUTTONS") if kind in found]


def _header(part: Json, path: str, handle_known: HandleKnown) -> None:
    part["format"] = str(part.get("format", "TEXT")).upper()
    if part["format"] == "TEXT":
        text(part.get("text"), f"{path}[text]", HEADER_MOST)
    elif part["format"] == "IMAGE":
        handles = (part.get("example") or {}).get("header_handle")
        if not isinstance(handles, list) or len(handles) != 1 or not handle_known(str(handles[0])):
            raise invalid(f"Param {path}[example][header_handle] must be a handle of the Resumable Upload API")
    else:
        raise invalid(f"Param {path}[format] must be one of {{TEXT, IMAGE}}")


def _button(value: Any, path: str) -> Json:
    button = {**thing(value, path), "type": str((value or {}).get("type", "")).upper()}
    if button["type"] == "QUICK_REPLY":
        raise PageError(100, 2018416)
    if button["type"] not in ("POSTBACK", "URL", "PHONE_NUMBER"):
        raise invalid(f"Param {path}[type] must be one of {{POSTBACK, URL, PHONE_NUMBER}}")
    text(button.get("text"), f"{path}[text]", LABEL_MOST)
    if button["type"] == "POSTBACK":
        if "example" in button:
            raise PageError(100, 2388051)
        if button.get("payload") is not None:
            text(button["payload"], f"{path}[payload]", PAYLOAD_MOST)
    elif button["type"] == "URL":
        link = text(button.get("url"), f"{path}[url]", URL_MOST)
        if not link.startswith(("http://", "https://")):
            raise invalid(f"Param {path}[url] must be a valid URI")
        variables = _VARIABLE.findall(link)
        if variables and (len(variables) > 1 or not link.endswith("}}")):
            raise invalid(f"Param {path}[url] may have one placeholder, at its end")
        example = button.get("example")
        if variables and not (example.get("url_suffix_example") if isinstance(example, dict) else example):
            raise invalid(f"Param {path}[example][url_suffix_example] is required for a url with a placeholder")
    else:
        text(button.get("phone_number"), f"{path}[phone_number]", 20)
    return button


def verdict(components: list[Json], named: bool) -> str | None:
    """Why the review refuses the template; None: it does not."""
    parts = {part["type"]: part for part in components}
    texts = [(parts["BODY"]["text"], "body_text", parts["BODY"])]
    if parts.get("HEADER", {}).get("format") == "TEXT":
        texts.append((parts["HEADER"]["text"], "header_text", parts["HEADER"]))
    for words, key, part in texts:
        names = [name.strip() for name in _VARIABLE.findall(words)]
        if not _wellformed(words, names, named):
            return "INCORRECT_PARAMS"
        if not _sampled(part, key, list(dict.fromkeys(names)), named):
            return "TEMPLATE_VARIABLES_MISSING_SAMPLE_VALUES"
    body = parts["BODY"]["text"]
    if _EDGE.search(body):
        return "INCORRECT_PARAMS"
    names = _VARIABLE.findall(body)
    if names and len(_VARIABLE.sub(" ", body).split()) < WORDS_A_VARIABLE * len(set(names)) + 1:
        return "PARAMS_TO_WORD_RATIO_EXCEED_LIMIT"
    whole = " ".join(words for words, _, _ in texts)
    if _PROMOTION.search(whole):
        return "TAG_SHOULD_BE_MARKETING"
    return "ABUSIVE_CONTENT" if _SECRETS.search(whole) else None


def _wellformed(words: str, names: list[str], named: bool) -> bool:
    """Braces match; numbers stand in order without gaps, or names are names."""
    if words.count("{{") != len(names) or words.count("}}") != len(names):
        return False
    if named:
        return all(_NAMED.match(name) for name in names)
    return list(dict.fromkeys(names)) == [str(number + 1) for number in range(len(set(names)))]


def _sampled(part: Json, key: str, names: list[str], named: bool) -> bool:
    """Every placeholder has its example: body_text is an array in an array, header_text a plain one."""
    if not names:
        return True
    example = part.get("example") if isinstance(part.get("example"), dict) else {}
    assert isinstance(example, dict)
    if named:
        given = example.get(key + "_named_params")
        return isinstance(given, list) and {one.get("param_name") for one in given if isinstance(one, dict)
                                            and one.get("example")} == set(names)
    given = example.get(key)
    if key == "body_text":
        given = given[0] if isinstance(given, list) and given and isinstance(given[0], list) else None
    return isinstance(given, list) and len(given) == len(names) and all(given)
