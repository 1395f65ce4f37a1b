"""One outgoing message between its check and its bubble."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.messenger.attachments import File
from sandbox.store import Json


@dataclass
class Draft:
    """``files``: to be here before it is sent; ``sent``: the message as an echo repeats it; ``private``: kept beside it."""

    type: str
    bubble: Json
    files: list[File] = field(default_factory=list)
    sent: Json = field(default_factory=dict)
    private: Json = field(default_factory=dict)
