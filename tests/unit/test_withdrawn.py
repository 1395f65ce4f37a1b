"""What somebody deleted at the channel: its time is left, however it was changed before, and nobody deletes another's line."""

from __future__ import annotations

from gateway.model.conversation import EDIT, WITHDRAWN, Entry, EntryKind
from gateway.model.personal import Personal
from gateway.store.conversation_codec import fold_edits


def line(key: str, text: str, **more: object) -> Entry:
    whole: dict[str, object] = {
        "id": key, "kind": EntryKind.IN, "key": key, "text": Personal(text), "at_ms": 1000,
        "author": "", "message": None, "origin": None,
        "channel_message_id": Personal(f"m-{key}"), "form": "text",
    }  # fmt: skip
    return Entry(**(whole | more))  # type: ignore[arg-type]


def notice(key: str, about: str) -> Entry:
    return line(key, "", form="other", detail="revoke", answers=Personal(about), at_ms=9000)


def test_a_line_that_was_taken_back_keeps_its_time_and_loses_words_files_and_what_it_said_before() -> None:
    file = {"channel_media_id": "1", "mime": "image/png"}
    lines = fold_edits(
        [
            line("a", "my number is secret", media=file, more_media=(file,)),
            line("e", "never mind", form=EDIT, again="a", edits=1),
            notice("n", "m-a"),
            line("b", "this stays"),
        ]
    )
    first, other = lines
    assert (first.key, first.at_ms, first.detail) == ("a", 1000, WITHDRAWN)
    assert (first.text.reveal(), first.media, first.more_media, first.versions, first.edited_ms) == ("", None, (), (), None)
    assert other.text.reveal() == "this stays"


def test_a_notice_stands_for_a_line_that_is_not_here_and_touches_nobody_elses() -> None:
    ours = line("o", "from us", kind=EntryKind.OUT, channel_message_id=Personal("m-o"))
    lines = fold_edits([ours, notice("n", "m-o"), notice("m", "m-old")])
    assert [(one.key, one.text.reveal()) for one in lines] == [("o", "from us"), ("n", ""), ("m", "")]
