"""Which of a cluster's 16,384 slots a command belongs to.

A slot is CRC16 (XMODEM) of the key modulo 16384, or of what stands between the first `{` and the next `}` where that is not
empty ("Redis cluster specification", key distribution model). What a script or a transaction touches must lie in one slot.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Sequence
from typing import Any

SLOTS = 16384

SPREAD = frozenset({"MGET", "DEL", "UNLINK", "EXISTS", "TOUCH"})
"""Commands of many keys whose answers can be put together from several nodes."""
KEYLESS = frozenset(
    {
        "ASKING", "BGREWRITEAOF", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "DBSIZE", "ECHO", "EXEC", "FLUSHALL", "FLUSHDB",
        "HELLO", "INFO", "MULTI", "PING", "PUBLISH", "READONLY", "SCAN", "SCRIPT", "SELECT", "TIME", "WAIT", "WAITAOF",
    }
)  # fmt: skip
_SUBCOMMANDS = frozenset({"XINFO", "XGROUP", "OBJECT", "MEMORY", "DEBUG"})
_SCRIPTS = frozenset({"EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO"})
_STREAMS = frozenset({"XREAD", "XREADGROUP"})
_PAIRS = frozenset({"MSET", "MSETNX"})
_TWO = frozenset({"RENAME", "RENAMENX", "COPY", "SMOVE", "LMOVE", "RPOPLPUSH"})

Command = Sequence[Any]
"""Name and arguments as they are sent; redis-py may write two words of the name in one ("XINFO STREAM")."""


def slot_of(key: str | bytes) -> int:
    raw = key.encode() if isinstance(key, str) else bytes(key)
    begin = raw.find(b"{")
    if begin >= 0:
        end = raw.find(b"}", begin + 1)
        if end > begin + 1:
            raw = raw[begin + 1 : end]
    return crc_hqx(raw, 0) % SLOTS


def name_of(command: Command) -> str:
    """Its name in capitals, of two words the first."""
    first = command[0]
    text = first.decode() if isinstance(first, bytes) else str(first)
    return text.split(" ", 1)[0].upper()


def keys_of(command: Command) -> Sequence[str | bytes]:
    """Every key of a command. Commands that the gateway does not use count as having one, in front."""
    name = name_of(command)
    if name in KEYLESS:
        return ()
    if name in _SCRIPTS:
        return command[3 : 3 + int(command[2])]
    if name in SPREAD:
        return command[1:]
    if name in _SUBCOMMANDS:
        place = 1 if " " in str(command[0]) else 2
        return command[place : place + 1]
    if name in _STREAMS:
        words = [str(one).upper() if isinstance(one, str) else one for one in command]
        place = next(place for place, word in enumerate(words) if word in ("STREAMS", b"STREAMS")) + 1
        return command[place : place + (len(command) - place) // 2]
    if name in _PAIRS:
        return command[1::2]
    return command[1 : 3 if name in _TWO else 2]


def slots_of(command: Command) -> set[int]:
    return {slot_of(key) for key in keys_of(command)}


def first_slot(command: Command) -> int | None:
    """The slot of the first key, which decides where the command goes; None where it has no key."""
    name = name_of(command)
    if name in _SCRIPTS:  # by far the most frequent: without looking at the other twenty keys
        return slot_of(command[3]) if int(command[2]) else None
    keys = keys_of(command)
    return slot_of(keys[0]) if keys else None
