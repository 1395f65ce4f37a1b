"""A channel's rules for templates, as data. The numbers and their source come from the channel's connector."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.notifications.model import Notification


@dataclass(frozen=True, slots=True)
class TemplateRules:
    """Lengths in characters. templates_max counts each language of each template; 0 = the channel names no number."""

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
    creates_an_hour: int = 0
    """new templates that an account may ask for in an hour; 0 = the channel names no number"""
    categories: frozenset[str] = frozenset({"utility", "marketing", "authentication"})
    documents: bool = True
    """a template may bring a document in its header"""
    footer_joins: bool = False
    """templates have no footer: its words end the body, and count there"""
    values_barred: str = ""
    """characters that the channel refuses in the value of a parameter; the connector says them without"""
    values_without_emoji: bool = False

    def hindrance(self, notification: Notification) -> str:
        """Why no template of this channel can say this notification at all; "" where one can."""
        if notification.document is not None and not self.documents:
            return f"{self.channel} has no template with a document; it goes out while the service window is open"
        if notification.category not in self.categories:
            return f"{self.channel} has no templates of the category {notification.category}"
        return ""
