"""From what the files say to the model: compiles expressions and checks that words and declaration fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.errors import Problem
from gateway.model.message import ButtonKind, Priority
from gateway.notifications.expressions import Expression, Failure, compile_expression
from gateway.notifications.model import DEFAULT_SETTLE_MS, Notification
from gateway.notifications.parts import ButtonSpec, Deadline, DocumentSpec, Parameter, Watch
from gateway.notifications.places import Places
from gateway.notifications.schema import NotificationSchema, ParameterSchema, TextsSchema, WhenSchema
from gateway.notifications.texts import Texts, variables

_PRIORITIES = {"urgent": Priority.URGENT, "normal": Priority.NORMAL, "bulk": Priority.BULK}


def template_name(name: str, brand: str | None, version: int) -> str:
    """The channel's name of one version: flight_delayed_v1, flight_delayed_zz_v2."""
    return f"{name}_{brand}_v{version}" if brand else f"{name}_v{version}"


def texts(
    name: str,
    declared: NotificationSchema,
    said: TextsSchema,
    language: str,
    brand: str | None,
    version: int,
    file: str,
) -> Texts:
    return Texts(
        language=language,
        brand=brand,
        version=version,
        template=template_name(name, brand, version) if declared.template else "",
        body=said.body.strip(),
        header=said.header.strip() if said.header else None,
        footer=said.footer.strip() if said.footer else None,
        buttons=said.buttons,
        phrases={key: phrase.strip() for key, phrase in said.phrases.items()},
        words=said.words,
        otherwise=said.otherwise,
        examples=said.examples,
        file=file,
    )


def notification(
    name: str,
    declared: NotificationSchema,
    texts: tuple[Texts, ...],
    places: Places,
    failed: Failure,
    where: str,
    problems: list[Problem],
    public: str,
) -> Notification | None:
    """None when an expression does not compile; every problem is added to `problems`. public: what `public:` stands for"""
    build = _Builder(where, problems)
    before = len(problems)
    parameters = {key: build.parameter(key, found) for key, found in declared.parameters.items()}
    made = Notification(
        name=name,
        event=declared.event,
        condition=build.expression("when", declared.when),
        roles=tuple(declared.roles),
        item=declared.item,
        once_a_journey=declared.once_a_journey,
        purpose=declared.purpose,
        category=declared.category,
        priority=_PRIORITIES[declared.priority],
        night=declared.night,
        personal=declared.personal,
        replaces=declared.replaces,
        ends=tuple(declared.ends),
        kind=declared.kind,
        on_uncertain=declared.on_uncertain,
        order=declared.order,
        version=declared.version,
        template=declared.template,
        substitute=declared.substitute,
        channel_ttl_ms=declared.channel_ttl_minutes * 60_000 if declared.channel_ttl_minutes else None,
        deadline=build.moment("deadline", declared.deadline),
        not_before=build.moment("not_before", declared.not_before),
        parameters=parameters,
        news=tuple(declared.news),
        document=None
        if declared.document is None
        else DocumentSpec(
            declared.document.header_format,
            build.expressions("document.from", declared.document.sources),
            declared.document.filename,
            declared.document.draw or "",
            declared.document.otherwise or "",
        ),
        buttons=tuple(
            ButtonSpec(
                button.key,
                ButtonKind.URL if button.url else ButtonKind.REPLY,
                (button.url or "").replace("public:", public, 1),
                build.expression(f"buttons.{button.key}.suffix", button.suffix),
            )
            for button in declared.buttons
        ),
        texts=texts,
        reads=frozenset(build.roots),
        watch=build.watch(name, declared, parameters),
        among=build.expression("among", declared.among),
        after_rebooking=build.expression("after_rebooking", declared.after_rebooking),
        asks=declared.asks,
        legal=declared.legal,
        channels=tuple(declared.channels),
        prefer=declared.prefer,
        another_way_ms=(declared.another_way_after_minutes or 0) * 60_000,
        fuse_people=declared.fuse_people,
        amount="" if declared.amount == "all" else declared.amount,
        desk=declared.desk,
        rollout=declared.rollout or "",
        places=places,
        failed=failed,
    )
    for one in texts:
        _check_texts(made, one, problems)
    if not made.languages:
        problems.append(Problem(where, "has no words: add nl.yaml and en.yaml"))
    return made if len(problems) == before else None


_OF_A_READER = frozenset({"person", "order", "passenger", "links", "brand", "now_ms", "rebooking", "connection", "paper", "each"})


class _Builder:
    """Compiles the expressions of one file; a bad one becomes a problem and is left out."""

    def __init__(self, where: str, problems: list[Problem]) -> None:
        self._where = where
        self._problems = problems
        self.roots: set[str] = set()
        """of every expression so far"""

    def expression(self, field: str, source: str | None) -> Expression | None:
        if source is None:
            return None
        try:
            compiled = compile_expression(source.strip())
            self.roots |= compiled.roots
            return compiled
        except ValueError as error:
            self._problems.append(Problem(f"{self._where}: {field}", " ".join(str(error).split())))
            return None

    def expressions(self, field: str, sources: Sequence[str]) -> tuple[Expression, ...]:
        found = (self.expression(field, source) for source in sources)
        return tuple(one for one in found if one is not None)

    def moment(self, field: str, declared: WhenSchema) -> Deadline:
        return Deadline(
            sources=self.expressions(f"{field}.first_of", declared.first_of),
            offset_ms=declared.offset_minutes * 60_000,
            life_ms=round((declared.life_hours or 0) * 3_600_000),
        )

    def watch(self, name: str, declared: NotificationSchema, parameters: Mapping[str, Parameter]) -> Watch:
        """What it watches: as declared, else everything that its text shows of the subject."""
        settle_ms = None if declared.settle is None else declared.settle * 1000
        if settle_ms is None:
            settles = declared.replaces and declared.item == "none" and declared.event is not None
            settle_ms = DEFAULT_SETTLE_MS.get(declared.event, 0) if settles and declared.event else 0
        for topic, sources in declared.watch.items():
            return Watch(topic, settle_ms, self.expressions("watch", sources))
        shown = [source for one in parameters.values() for source, _ in one.sources]
        shown += [when for one in parameters.values() for when, _ in one.phrases if when is not None]
        return Watch(name, settle_ms, tuple(one for one in shown if not one.roots & _OF_A_READER))

    def parameter(self, name: str, declared: ParameterSchema) -> Parameter:
        field = f"parameters.{name}"
        return Parameter(
            name=name,
            sources=tuple(
                (found, declared.formats[min(place, len(declared.formats) - 1)])
                for place, source in enumerate(declared.sources)
                if (found := self.expression(f"{field}.from", source)) is not None
            ),
            place=self.expression(f"{field}.place", declared.place),
            longest=declared.longest,
            phrases=tuple(
                (self.expression(f"{field}.phrase", phrase.when), phrase.say) for phrase in declared.phrase or declared.all_of
            ),
            joined=bool(declared.all_of),
            each=self.expressions(f"{field}.each", declared.each),
        )


def _check_texts(made: Notification, texts: Texts, problems: list[Problem]) -> None:
    """What rendering relies on: every parameter, phrase and button label it will look up exists."""
    declared = set(made.parameters)
    spoken = {"header": texts.header or "", "body": texts.body}
    spoken |= {f"phrases.{key}": phrase for key, phrase in texts.phrases.items()}
    for field, words in spoken.items():
        for name in variables(words):
            if name not in declared:
                problems.append(Problem(f"{texts.file}: {field}", f"{{{{{name}}}}} is not in notification.yaml"))
    said = {name for words in spoken.values() for name in variables(words)}
    for name, parameter in made.parameters.items():
        for _, phrase in parameter.phrases:
            if phrase not in texts.phrases and name in said:  # older words say other parameters
                problems.append(Problem(f"{texts.file}: phrases", f"{phrase} is missing; {name} may say it"))
    for phrase, words in texts.phrases.items():
        for inner in variables(words):
            if inner in declared and made.parameters[inner].phrases:
                where = f"{texts.file}: phrases.{phrase}"
                problems.append(Problem(where, f"{inner} is a phrase itself; one level only"))
    keys = {button.key for button in made.buttons}
    strange = [key for key in texts.buttons if key not in keys]
    problems += [Problem(f"{texts.file}: buttons.{key}", "is not in notification.yaml") for key in strange]
    if texts.version == made.version:
        problems += [Problem(f"{texts.file}: buttons", f"{key} has no label") for key in keys - set(texts.buttons)]
