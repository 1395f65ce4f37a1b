"""One channel, as the common cases need it: a connector, a sender, a person, and what the channel would answer or tell."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.meta.graph import Graph
from gateway.connector import Connector, RawResponse, RenderedRequest, Sender
from gateway.model.personal import Personal

MESSAGE_ID = "channel-id-Mark1"
"""An id of the channel's that must not be seen where it was not asked for."""
WORDS = "Wordmark said by them"

Item = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """How one channel says what every channel must be able to say.

    make:           a connector that speaks through this client
    addresses:      (what a source writes, its scope, the identifier's value); bad ones are no address here
    refuses:        the names of contents that cannot be said here
    accepted:       the answer to a send, with MESSAGE_ID; uploaded: to an upload, with the media id "4711"
    unknown ...:    what the channel answers when that is the matter
    throttled:      (the answer, how long it says to wait in ms)
    webhook:        the body of a webhook with these items
    said:           somebody's item, with this text and id
    status:         the item that brings our opaque data back
    unreadable:     an item that cannot be read, e.g. for want of an id
    fetch:          the request that fetches a file they sent, lying at this address
    media_host:     where such files lie
    """

    name: str
    make: Callable[[Graph], Connector]
    sender: Sender
    account: str
    recipient: tuple[tuple[str, Personal], ...]
    addresses: tuple[tuple[str, str, str], ...]
    bad_addresses: tuple[str, ...]
    refuses: frozenset[str]
    accepted: RawResponse
    uploaded: RawResponse
    unknown: RawResponse
    throttled: tuple[RawResponse, int]
    token_dead: RawResponse
    unreachable: RawResponse
    window_closed: RawResponse
    template_missing: RawResponse
    media_gone: RawResponse
    webhook: Callable[..., bytes]
    said: Callable[[str, str], Item]
    status: Callable[[str], Item]
    unreadable: Item
    fetch: Callable[[Connector, Sender, str], RenderedRequest]
    media_host: str

    @property
    def connector(self) -> Connector:
        return self.make(Graph("http://127.0.0.1:9"))  # where nothing listens


def answered(status: int, body: Any, headers: Mapping[str, str] | None = None) -> RawResponse:
    return RawResponse(status, headers or {}, json.dumps(body).encode())


def refused(status: int, code: int, subcode: int = 0, words: str = "", headers: Mapping[str, str] | None = None) -> RawResponse:
    """A refusal as Meta writes it."""
    error = {"message": words or f"(#{code})", "code": code, "fbtrace_id": "A"}
    return answered(status, {"error": error | ({"error_subcode": subcode} if subcode else {})}, headers)
