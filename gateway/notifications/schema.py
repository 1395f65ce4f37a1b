"""What notification.yaml and a language file may say. Unknown keys are refused: a typing error is not silence."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from gateway.model.event import EventType
from gateway.model.message import OnUncertain
from gateway.notifications.formats import FORMATS
from gateway.rules.question import Night
from gateway.rules.ways import Prefer


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,59}$")]
OneOrMore = Annotated[list[str], BeforeValidator(_as_list)]


def _seconds(value: object) -> object:
    """90s, 3m, 0: as seconds."""
    if isinstance(value, int) and not isinstance(value, bool) and value == 0:
        return 0
    found = re.fullmatch(r"(\d{1,3})(s|m)", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("should be a time like 3m or 90s, or 0 for never")
    return int(found[1]) * (60 if found[2] == "m" else 1)


Seconds = Annotated[int, BeforeValidator(_seconds), Field(ge=0, le=600)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class WhenSchema(_Strict):
    """A time: the first expression that gives one, moved by an offset. `life_hours`: else this long after the event."""

    first_of: OneOrMore = Field(default_factory=list)
    offset_minutes: int = 0
    life_hours: Annotated[float, Field(gt=0, le=24 * 60)] | None = None


class PhraseSchema(_Strict):
    when: str | None = None
    say: Name


class ParameterSchema(_Strict):
    """`from` and `as` (one format, or one each), or `phrase`, or `all_of`; `place`: on whose clock; `max`: where it is cut.

    `phrase`: the first that holds; `all_of`: all of them, with commas; `each`: for each of a list, with dots between.
    """

    sources: OneOrMore = Field(default_factory=list, alias="from")
    formats: OneOrMore = Field(default_factory=lambda: ["text"], alias="as")
    place: str | None = None
    longest: Annotated[int, Field(ge=2, le=600)] = Field(default=60, alias="max")
    phrase: list[PhraseSchema] = Field(default_factory=list)
    all_of: list[PhraseSchema] = Field(default_factory=list)
    each: OneOrMore = Field(default_factory=list)

    @model_validator(mode="after")
    def _has_a_source(self) -> ParameterSchema:
        if not self.sources and not self.phrase and not self.all_of:
            raise ValueError("needs `from`, `phrase` or `all_of`")
        if self.phrase and self.all_of:
            raise ValueError("has either `phrase` or `all_of`")
        if self.each and not self.all_of:
            raise ValueError("`each` needs `all_of`")
        if not set(self.formats) <= set(FORMATS):
            raise ValueError(f"`as` should be one of {', '.join(FORMATS)}")
        if len(self.formats) not in (1, len(self.sources)):
            raise ValueError("`as` should be one format, or one for each of `from`")
        return self


class DocumentSchema(_Strict):
    """`draw`: as what it is drawn where the issuer sent none; the template's header follows: a picture's is an image.
    `otherwise: words`: where there is no document to be had after all, the words go alone, inside a service window."""

    header: Literal["document", "image"] | None = None
    draw: Literal["picture", "page", "print"] | None = None
    otherwise: Literal["words"] | None = None
    sources: OneOrMore = Field(alias="from")
    filename: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+\.(pdf|png|jpg)$")]

    @model_validator(mode="after")
    def _header_follows(self) -> DocumentSchema:
        if self.draw and self.header not in (None, self.header_format):
            raise ValueError(f"`draw: {self.draw}` has `header: {self.header_format}`")
        return self

    @property
    def header_format(self) -> Literal["document", "image"]:
        if self.draw:
            return "image" if self.draw == "picture" else "document"
        return self.header or "document"


class ButtonSchema(_Strict):
    key: Name
    url: Annotated[str, StringConstraints(pattern=r"^(https://|public:/)")] | None = None
    """`public:/d/`: a page of ours, below GATEWAY_PUBLIC_URL"""
    suffix: str | None = None

    @model_validator(mode="after")
    def _suffix_needs_url(self) -> ButtonSchema:
        if self.suffix is not None and self.url is None:
            raise ValueError("`suffix` needs `url`")
        return self


class NotificationSchema(_Strict):
    """notification.yaml"""

    version: Annotated[int, Field(ge=1, le=999)]
    about: str
    event: EventType | None = None
    when: str | None = None
    roles: Annotated[list[Literal["any", "booker", "passenger", "customer", "family"]], Field(min_length=1)] = ["any"]
    amount: Literal["all", "ends"] = "all"
    among: str | None = None
    after_rebooking: str | None = None
    item: Literal["none", "passenger", "document", "rebooking", "connection"] = "none"
    once_a_journey: bool = False
    asks: Literal["none", "rebooking", "appointment"] = "none"
    legal: Literal["none", "passenger_rights"] = "none"
    purpose: Literal["journey", "service", "family", "survey", "offers"]
    category: Literal["utility"] = "utility"
    kind: Literal["notification", "service"] = "notification"
    priority: Literal["urgent", "normal", "bulk"] = "normal"
    night: Night = Night.WAIT
    personal: bool
    replaces: bool = False
    ends: list[Name] = Field(default_factory=list)
    settle: Seconds | None = None
    watch: Annotated[dict[Name, OneOrMore], Field(max_length=1)] = Field(default_factory=dict)
    on_uncertain: OnUncertain = OnUncertain.RESEND
    order: Literal["accepted", "delivered"] = "accepted"
    desk: bool = False
    template: bool = True
    substitute: Name | None = None
    channel_ttl_minutes: Annotated[int, Field(ge=1, le=720)] | None = None
    channels: list[Annotated[str, StringConstraints(pattern=r"^[a-z]{2,20}$")]] = Field(default_factory=list)
    prefer: Prefer = Prefer.GIVEN
    another_way_after_minutes: Annotated[int, Field(ge=1, le=24 * 60)] | None = None
    rollout: Literal["allowed", "never"] | None = None
    fuse_people: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    deadline: WhenSchema = Field(default_factory=WhenSchema)
    not_before: WhenSchema = Field(default_factory=WhenSchema)
    parameters: dict[Name, ParameterSchema] = Field(default_factory=dict)
    news: list[Name] = Field(default_factory=list)
    document: DocumentSchema | None = None
    buttons: list[ButtonSchema] = Field(default_factory=list)

    @model_validator(mode="after")
    def _belongs_together(self) -> NotificationSchema:
        if self.kind == "notification" and (self.event is None or self.when is None):
            raise ValueError("a notification needs `event` and `when`")
        if self.kind == "service" and (self.event is not None or self.when is not None):
            raise ValueError("a service message answers somebody; it has no `event` and no `when`")
        if self.desk and (self.kind != "service" or not self.template or self.buttons or self.document or self.personal):
            raise ValueError("`desk` is for service messages with a template, and no button or document, that name nobody")
        if not self.template and self.kind == "notification":
            raise ValueError("only service messages can do without a template: others leave the service window")
        if "family" in self.roles and len(self.roles) > 1:
            raise ValueError("`family` stands alone in `roles`: those at home are told other things than who travels")
        if self.amount != "all" and "family" not in self.roles:
            raise ValueError("`amount` is of `roles: [family]`")
        if self.settle and (not self.replaces or self.item != "none"):
            raise ValueError("only what `replaces` its older versions, and has no `item`, can wait until it has settled")
        return self


class TextsSchema(_Strict):
    """<language>.yaml, <language>.<brand>.yaml, and with .v<n> before .yaml an older version that is still sent."""

    header: str | None = None
    body: Annotated[str, StringConstraints(min_length=1)]
    footer: str | None = None
    buttons: dict[Name, str] = Field(default_factory=dict)
    phrases: dict[Name, str] = Field(default_factory=dict)
    words: dict[Name, dict[str, str]] = Field(default_factory=dict)
    otherwise: dict[Name, str] = Field(default_factory=dict)
    examples: dict[Name, str] = Field(default_factory=dict)


Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9A-Fa-f]{6}$")]


class ColoursSchema(_Strict):
    ink: Colour
    ground: Colour
    accent: Colour


class BrandSchema(_Strict):
    name: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")]
    timezone: str
    support_url: Annotated[str, StringConstraints(pattern=r"^https://")]
    logo_url: Annotated[str, StringConstraints(pattern=r"^https://", max_length=200)] = ""
    unsigned_passes: bool = False
    rights_url: Annotated[str, StringConstraints(pattern=r"^https://")] | None = None
    colours: ColoursSchema | None = None
    logo: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*\.(svg|png)$")] | None = None


class PlaceSchema(_Strict):
    names: dict[str, str] = Field(min_length=1)
    timezone: str | None = None
    connection_minutes: Annotated[int, Field(ge=0, le=600)] | None = None


class SourceSchema(_Strict):
    names: Annotated[dict[str, Annotated[str, StringConstraints(min_length=1, max_length=60)]], Field(min_length=1)]


class WordingSchema(_Strict):
    """One wording: the very text that people agreed to, which never changes under its id."""

    purpose: Literal["journey", "service", "family", "survey", "offers"]
    language: str
    since: str
    text: Annotated[str, StringConstraints(min_length=20)]
