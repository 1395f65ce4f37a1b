"""What a queue is called at the desk: by webcare.yaml in the reader's language, else by the catalogue, else its name."""

from __future__ import annotations

from gateway.model.webcare import DeskPlan
from gateway.webcare.catalogue import Words


def queue_title(plan: DeskPlan, brand: str, queue: str, words: Words) -> str:
    """In the reader's language, else in English, else its name as people read names."""
    titles = next((dict(one.titles) for one in plan.of(brand).queues if one.name == queue), {})
    own = words.words.get(f"queue.name.{queue}", "")
    return titles.get(words.locale) or titles.get("en") or own or queue.replace("_", " ").capitalize()
