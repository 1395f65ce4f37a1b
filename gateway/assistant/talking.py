"""One step of a dialog: an answer taken, the next question. Pure.

The memory says at which step somebody is ("dialog:lost_item/looks") and what they answered so far. An answer that is not
understood is asked for once more; the second in a row ends at a person, as everything here may at any time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.assistant import lines
from gateway.assistant.deciding import button
from gateway.assistant.dialogs import BEGIN, PERSON, Dialog, Dialogs, Step
from gateway.assistant.saying import Words
from gateway.rules.masking import mask
from gateway.store.assistants import AssistantMemory

PREFIX = "dialog:"
MISSES = 2
ANSWER_MAX = 300
DOCUMENT = "document"
"""The answer on the card where they sent one and no words."""


@dataclass(frozen=True, slots=True)
class Talked:
    """lines: what is said next; end: "person", "done", or "" where it goes on"""

    lines: tuple[Words, ...]
    memory: AssistantMemory
    end: str = ""


def begin(dialog: Dialog, memory: AssistantMemory, token: str, language: str) -> Talked:
    fresh = replace(memory, answers=(), misses=0, guess=f"dialog: {dialog.name}", kind=dialog.name)
    return _at(dialog, BEGIN, fresh, token, language)


def place_of(dialogs: Dialogs, memory: AssistantMemory) -> tuple[Dialog, Step] | None:
    """Where somebody is; None: in no dialog that there (still) is."""
    if not memory.asked.startswith(PREFIX):
        return None
    name, _, place = memory.asked.removeprefix(PREFIX).partition("/")
    dialog = dialogs.named.get(name)
    step = dialog.steps.get(place) if dialog is not None else None
    return (dialog, step) if dialog is not None and step is not None else None


def answer(
    dialog: Dialog, step: Step, memory: AssistantMemory, token: str, language: str, *, text: str = "", choice: str = "",
    file: bool = False,
) -> Talked:  # fmt: skip
    """What somebody said or pressed (the name of a button of this step), or that they sent a file; else it is no answer."""
    if step.buttons:
        said = text.strip().casefold()
        labels = {name: {label.casefold() for label in one.label.values()} for name, one in step.buttons.items()}
        chosen = choice if choice in step.buttons else next((name for name, one in labels.items() if said and said in one), "")
        if not chosen:
            return _again(dialog, step, memory, token, language)
        kept, following = step.buttons[chosen].label["en"], step.buttons[chosen].go
    elif text.strip() or (file and step.document):
        # What no thread may hold no answer holds either: cards, citizen numbers, passwords.
        kept, following = mask(text).text.strip()[:ANSWER_MAX] or DOCUMENT, step.go
    else:
        return _again(dialog, step, memory, token, language)
    answers = (*memory.answers, (step.card, kept)) if step.card else memory.answers
    return _at(dialog, following, replace(memory, answers=answers, misses=0), token, language)


def _again(dialog: Dialog, step: Step, memory: AssistantMemory, token: str, language: str) -> Talked:
    misses = memory.misses + 1
    if misses >= MISSES:
        return Talked((), replace(memory, misses=misses), PERSON)
    return Talked((_question(step, token, language),), replace(memory, misses=misses, token=token))


def _at(dialog: Dialog, place: str, memory: AssistantMemory, token: str, language: str) -> Talked:
    step = dialog.steps[place]
    said = _question(step, token, language)
    if step.end:
        return Talked((said,), replace(memory, asked="", token=token), step.end)
    return Talked((said,), replace(memory, asked=f"{PREFIX}{dialog.name}/{place}", token=token))


def _question(step: Step, token: str, language: str) -> Words:
    buttons = [button(token, name, one.label[language]) for name, one in step.buttons.items()]
    return Words(lines.ANSWER, {"text": step.say[language]}, buttons)
