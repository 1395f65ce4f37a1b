"""Meta's library of ready-made utility templates, in small: enough to search and to clone from. The texts are the sandbox's."""

from __future__ import annotations

from typing import Any

from sandbox.messenger.errors import invalid
from sandbox.store import Json


def _entry(number: int, name: str, language: str, usecase: str, industry: str, body: str, params: list[str],
           header: str = "", button: Json | None = None) -> Json:
    entry: Json = {"name": name, "language": language, "category": "UTILITY", "topic": "ORDER_MANAGEMENT" if industry ==
                   "E_COMMERCE" else "TRAVEL", "usecase": usecase, "industry": [industry], "body": body,
                   "body_params": params, "body_param_types": ["TEXT"] * len(params), "id": str(7635027653257000 + number)}
    if header:
        entry["header"] = header
    if button is not None:
        entry["buttons"] = [button]
    return entry


_ORDER: Json = {"type": "URL", "text": "Manage order", "url": "https://www.example.com"}
_TRIP: Json = {"type": "URL", "text": "View trip", "url": "https://www.example.com"}
LIBRARY: tuple[Json, ...] = (
    _entry(1, "delivery_delay_1", "en", "DELIVERY_UPDATE", "E_COMMERCE",
           "Hello {{1}}, the delivery of your order {{2}} is delayed.", ["Ann", "A-1042"], button=_ORDER),
    _entry(2, "delivery_delay_1", "nl", "DELIVERY_UPDATE", "E_COMMERCE",
           "Hallo {{1}}, de bezorging van je bestelling {{2}} is vertraagd.", ["Ann", "A-1042"], button=_ORDER),
    _entry(3, "order_shipped_1", "en", "SHIPMENT_CONFIRMATION", "E_COMMERCE",
           "Your order {{1}} is on its way and should arrive on {{2}} during the day.", ["A-1042", "4 December"], "Order sent",
           _ORDER),
    _entry(4, "trip_delay_1", "en", "TRAVEL_UPDATE", "TRAVEL",
           "There is a delay on your trip {{1}}: it now leaves at {{2}} from the same place.", ["LR 4711", "07:40"],
           button=_TRIP),
    _entry(5, "trip_cancelled_1", "en", "TRAVEL_UPDATE", "TRAVEL",
           "We are sorry: your trip {{1}} does not run. Please look for another connection.", ["LR 4711"], button=_TRIP),
    _entry(6, "trip_delay_1", "nl", "TRAVEL_UPDATE", "TRAVEL",
           "Je reis {{1}} heeft vertraging en vertrekt nu om {{2}} van dezelfde plek.", ["LR 4711", "07:40"], button=_TRIP))


def search(query: Any) -> list[Json]:
    """``query``: name_or_content, language, topic, usecase, industry; every one that is given must match."""
    words = str(query.get("name_or_content") or query.get("search") or "").lower()

    def fits(entry: Json) -> bool:
        return (words in f"{entry['name']} {entry['body']}".lower()
                and all(query.get(key) in (None, "", entry[key]) for key in ("language", "topic", "usecase"))
                and (not query.get("industry") or query["industry"] in entry["industry"]))

    return [entry for entry in LIBRARY if fits(entry)]


def components_of(name: str, language: str, buttons: Any) -> list[Json]:
    """The components of a clone; ``buttons``: library_template_button_inputs with a url of the Page's own. raises: 100"""
    entry = next((one for one in LIBRARY if one["name"] == name and one["language"] == language), None)
    if entry is None:
        raise invalid("Param library_template_name is not a template of the library in this language")
    parts: list[Json] = [{"type": "BODY", "text": entry["body"], "example": {"body_text": [entry["body_params"]]}}]
    if entry.get("header"):
        parts.insert(0, {"type": "HEADER", "format": "TEXT", "text": entry["header"]})
    if entry.get("buttons"):
        own = next((one for one in buttons if isinstance(one, dict)), {}) if isinstance(buttons, list) else {}
        url = own.get("url")
        link = url.get("base_url") if isinstance(url, dict) else url
        if not isinstance(link, str) or not link.startswith("https://"):
            raise invalid("Param library_template_button_inputs must have a url for the template's button")
        button: Json = {**entry["buttons"][0], "url": link}
        if "{{" in link:
            suffix = url.get("url_suffix_example") if isinstance(url, dict) else None
            button["example"] = {"url_suffix_example": suffix or link}
        parts.append({"type": "BUTTONS", "buttons": [button]})
    return parts
