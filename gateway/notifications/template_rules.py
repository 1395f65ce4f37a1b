"""A channel's rules for templates, as data. The numbers and their source come from the channel's connector."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TemplateRules:
    """Lengths in characters. templates_max counts each language of each template."""

    channel: str
    name_max: int
    body_max: int
    header_max: int
    footer_max: int
    label_max: int
    buttons_max: int
    url_buttons_max: int
    url_max: int
    free_label_max: int
    """a button's label inside the service window, where the same words go as free text"""
    free_buttons_max: int
    words_per_variable: int
    templates_unverified_max: int
    templates_max: int
    languages: frozenset[str]
