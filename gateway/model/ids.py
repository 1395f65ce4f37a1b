"""Identifiers. Each one names its partition in its second and third character, so that it leads home by itself.

    c07k3v9p2m4x8qz   contact        letter, partition 00..63, 13 characters of base32 (65 bits, random)
    a07...            address        the same, and always in its contact's partition
    m07...            message        letter, partition, 20 characters; a hash of what it says to whom, so that planning
                                     the same thing twice makes the same message
    j11...            subject        a keyed hash of (type, entity): a flight, trip, order, outage
    e42...            event          a keyed hash of (source, id)
    v07...            conversation   in its contact's partition
    i07...            invitation     in its subject's partition
    d07...            travel page    in its contact's partition; a keyed hash of the token that opens it
"""

from __future__ import annotations

import hashlib
import secrets
from typing import NewType

PARTITIONS = 64

ContactId = NewType("ContactId", str)
AddressId = NewType("AddressId", str)
MessageId = NewType("MessageId", str)
SubjectId = NewType("SubjectId", str)
EventId = NewType("EventId", str)
ConversationId = NewType("ConversationId", str)
SenderId = NewType("SenderId", str)

# No padding, lower case, and without i, l, o, u: an id read aloud over the telephone survives.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTHS = {"c": 13, "a": 13, "m": 20, "j": 11, "e": 16, "v": 13, "i": 13, "d": 13}


_PAIRS = [low + high for high in _ALPHABET for low in _ALPHABET]


def encode32(number: int, length: int) -> str:
    """The low `length` x 5 bits of a number in base32 of the alphabet above, the lowest first."""
    digits = []
    for _ in range((length + 1) // 2):  # two at a time: it is asked for several times a message
        digits.append(_PAIRS[number & 1023])
        number >>= 10
    return "".join(digits)[:length]


def from_digest(letter: str, partition: int, digest: bytes) -> str:
    """An id made of a digest of at least 13 bytes."""
    return f"{letter}{partition:02d}{encode32(int.from_bytes(digest[:16], 'big'), _LENGTHS[letter])}"


def random_id(letter: str, partition: int) -> str:
    return f"{letter}{partition:02d}{encode32(secrets.randbits(5 * _LENGTHS[letter]), _LENGTHS[letter])}"


def new_contact_id() -> ContactId:
    return ContactId(random_id("c", secrets.randbelow(PARTITIONS)))


def new_address_id(contact: ContactId) -> AddressId:
    return AddressId(random_id("a", partition_of(contact)))


def new_conversation_id(contact: ContactId) -> ConversationId:
    return ConversationId(random_id("v", partition_of(contact)))


def message_id(event: str, notification: str, item: str, contact: ContactId, leg: int) -> MessageId:
    """The id of what one event makes one notification say about one item to one contact (promise P2)."""
    text = "\x1f".join((event, notification, item, contact, str(leg)))
    return MessageId(from_digest("m", partition_of(contact), hashlib.blake2b(text.encode(), digest_size=16).digest()))


def partition_of(identifier: str) -> int:
    """The partition an id belongs to; ValueError when it is no id of ours."""
    partition = int(identifier[1:3])
    if not 0 <= partition < PARTITIONS:
        raise ValueError("partition out of range")
    return partition


def is_id(text: str, letter: str) -> bool:
    """Whether a text has the form of an id of this kind (says nothing about its existence)."""
    return (
        len(text) == 3 + _LENGTHS[letter]
        and text[0] == letter
        and text[1:3].isascii()
        and text[1:3].isdigit()
        and int(text[1:3]) < PARTITIONS
        and all(char in _ALPHABET for char in text[3:])
    )
