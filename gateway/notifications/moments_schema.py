"""What templates/moments.yaml may say. Unknown keys are refused: a typing error is not silence."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from gateway.model.event import EventType
from gateway.notifications.schema import OneOrMore

Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
_STATES = frozenset(one for one in EventType if one.value.endswith(".status"))
"""Documents have no state that a time could be read from."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CaseSchema(_Strict):
    """One case of `at`."""

    first_of: OneOrMore = Field(min_length=1)
    when: str | None = None
    offset_minutes: Annotated[int, Field(ge=-400 * 24 * 60, le=400 * 24 * 60)] = 0
    day: Annotated[int, Field(ge=-30, le=30)] = 0
    clock: Clock | None = None
    place: str | None = None
    before_hours: Annotated[float, Field(ge=0, le=24 * 30)] | None = None

    @model_validator(mode="after")
    def _one_way_of_counting(self) -> CaseSchema:
        if self.clock is None and (self.day or self.place is not None):
            raise ValueError("`day` and `place` need `clock`")
        if self.clock is not None and self.offset_minutes:
            raise ValueError("`clock` names the time itself: no `offset_minutes` beside it")
        return self


class UntilSchema(_Strict):
    first_of: OneOrMore = Field(min_length=1)
    offset_minutes: int = 0


class MomentSchema(_Strict):
    """One entry of moments.yaml."""

    about: str
    event: EventType
    when: str | None = None
    at: Annotated[list[CaseSchema], Field(min_length=1, max_length=10)]
    until: UntilSchema | None = None
    late: Literal["tell", "skip"] = "tell"
    again_after_hours: Annotated[float, Field(gt=0, le=24 * 30)] | None = None
    again: Literal["another_day"] | None = None
    told_as: Literal["check_in", "boarding"] | None = None

    @model_validator(mode="after")
    def _of_a_state(self) -> MomentSchema:
        if self.event not in _STATES:
            raise ValueError(f"`event` should be one of {', '.join(sorted(_STATES))}: a document has no state")
        if self.again is not None and self.again_after_hours is not None:
            raise ValueError("`again` and `again_after_hours` answer the same question: one of them")
        return self
