"""A house with a turned clock, whose moments come only when a test lets time pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.intake.moments import Firing
from gateway.intake.role import make_expander, make_firing
from gateway.model.event import BusinessEvent
from gateway.model.ids import SubjectId
from gateway.store import keys
from tests.support.core import HOUR_MS, House, facts_of, iso

MINUTE_MS = 60_000
FLIGHT = "ZZ1007/2026-11-22/AMS"
TRAIN = "EXR/3542/2026-11-22"
CHECK_IN, DAY, BOARDING, TRAIN_SOON = "check_in_opens", "travel_day", "boarding_begins", "train_leaves_soon"


class Stage:
    def __init__(self, house: House) -> None:
        self.house = house
        self.began_ms = house.began_ms
        self.firing = make_firing(house.runtime)

    # what is known

    def leg(self, hours: float, entity: str = FLIGHT, *, kind: str = "flight", **times: Any) -> dict[str, Any]:
        """A leg of an order that leaves so many hours after the house was opened. times: on top of the planned ones"""
        leaves, arrives = iso(self.at(hours)), iso(self.at(hours + 1.5))
        planned = {"departure": {"scheduled": leaves}, "arrival": {"scheduled": arrives}}
        return self.house.leg(entity, kind) | {"times": planned | times}

    def at(self, hours: float) -> int:
        return self.began_ms + round(hours * HOUR_MS)

    async def order(self, number: int = 101, *, hours: float = 48, legs: Sequence[dict[str, Any]] = (), **more: Any) -> None:
        """Somebody books; nobody has spoken of the flight itself."""
        itinerary = list(legs) or [self.leg(hours)]
        order = self.house.order(self.house.recipient(number), number=f"ZX{number}", itinerary=itinerary, **more)
        await self.house.tell(order)

    def says(
        self, status: str = "scheduled", *, hours: float | None = None, estimated: float | None = None, **more: Any
    ) -> BusinessEvent:
        """An event of the flight. hours: when it is planned to leave; estimated: when it is thought to"""
        times: dict[str, Any] = more.pop("times", {})
        departure = {} if hours is None else {"scheduled": iso(self.at(hours))}
        if estimated is not None:
            departure["estimated"] = iso(self.at(estimated))
        return self.house.flight(status, times=times | ({"departure": departure} if departure else {}), **more)

    # time

    async def pass_to(self, hours: float) -> None:
        """It is so many hours after the house was opened, and what has come by then is told."""
        self.house.pass_ms(self.at(hours) - self.house.clock.now_ms())
        await self.come()

    async def come(self, firing: Firing | None = None) -> int:
        """What is due is fired and told; how many events that made."""
        made = 0
        for _ in range(100):
            count, _ = await (firing or self.firing).turn(keys.all_partitions())
            made += count
            await self.take_up()
            if not count:
                return made
        raise AssertionError("moments come without end")

    async def take_up(self) -> None:
        await self.house.expand()

    def other(self) -> tuple[Firing, Any]:
        """Another process, as far as it fires and expands."""
        return make_firing(self.house.runtime), make_expander(self.house.runtime)

    # what came of it

    async def told(self, notification: str, number: int = 101) -> int:
        return (await self.house.told(number)).count(notification)

    async def set_for(self, moment: str, entity: str = FLIGHT) -> float | None:
        """When a moment is due, in hours after the house was opened; None where it is not set."""
        subject = self.subject(entity)
        score = await self.house.redis.zscore(keys.beside(subject, "timers"), f"{subject}:{moment}")
        return None if score is None else (int(score) - self.began_ms) / HOUR_MS

    def subject(self, entity: str = FLIGHT) -> SubjectId:
        return self.house.runtime.vault.subject_id("trip" if entity == TRAIN else "flight", entity)

    async def facts(self, moment: str, entity: str = FLIGHT) -> list[str]:
        """The kinds of facts of one moment of a subject, in order."""
        found = await facts_of(self.house.redis)
        return [
            one.kind for one in found if one.kind.startswith("moment_") and one.id_of("j") == self.subject(entity)
            and one.detail.get("moment") == moment
        ]  # fmt: skip
