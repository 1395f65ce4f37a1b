"""What a queue is called at the desk, in the language of whoever reads."""

from __future__ import annotations

from gateway.model.webcare import BrandPlan, DeskPlan, Figures, Queue
from gateway.webcare.catalogue import words_in
from gateway.webcare.queue_titles import queue_title


def test_a_queue_is_called_by_its_title_in_the_readers_language_else_by_its_name() -> None:
    groups = Queue("groups", titles=(("en", "Groups"), ("nl", "Groepen")))
    queues = (groups, Queue("late", titles=(("en", "Late flights"),)), Queue("zz_top"))
    plan = DeskPlan({"zz": BrandPlan("zz", queues, (), Figures())}, {}, (), "v1", figures=Figures())
    said = {
        locale: [queue_title(plan, "zz", name, words_in(locale)) for name in ("groups", "late", "zz_top", "general", "rebooking")]
        for locale in ("en", "nl")
    }
    assert said["en"] == ["Groups", "Late flights", "Zz top", "General", "Rebooking"]
    assert said["nl"] == ["Groepen", "Late flights", "Zz top", "Algemeen", "Omboeken"]
