"""What must never be printed by accident: personal data and secrets, masked until somebody says `.reveal()`."""

from __future__ import annotations

from typing import Any


class _Masked:
    """A text that shows as its mask in repr, str, format, f-strings and exceptions; equal and hashable by its text."""

    __slots__ = ("_text",)
    _mask = "***"

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return self._mask

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return self._mask

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._text == self._text

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> Any:
        raise TypeError(f"{type(self).__name__} is not pickled: reveal it where it is sealed")


class Personal(_Masked):
    """A name, number, channel id or text of a person. Printed as <personal>."""

    __slots__ = ()
    _mask = "<personal>"


class Secret(_Masked):
    """A token, key or password. Printed as <secret>."""

    __slots__ = ()
    _mask = "<secret>"
