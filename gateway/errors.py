"""Every exception that we raise.

    GatewayError
    ├── SettingsError          a setting is missing or wrong; the message names it and the mend
    ├── StoreError
    │   ├── StoreUnavailable   no answer, or no promise of the disk: answer 503, try again
    │   │   └── NotReplicated  done on this server, and too few replicas have it: a failover may take it back, do it again
    │   ├── StoreRefused       the server may not be used (not durable, evicts, too old, another environment)
    │   └── LayoutMismatch     the data has another layout version: run `migrate`
    ├── SourceUnavailable      a source of events does not answer, or does not let us in: it is asked again
    ├── ProviderUnreachable    whoever says who agents are does not answer, or not so that it can be used: ask again later
    ├── ProviderRefused        they answer no, or what they answer is not to be believed
    ├── Sealed                 cannot be opened: its key is gone or wrong
    ├── NotFound               no such thing, or not any more
    ├── Conflict               it has changed since you looked; says how
    ├── BadInput               somebody's data is wrong: names each field and what it should be
    ├── BadPass                a boarding pass's code that cannot be read or written: names the item, never what stands in it
    ├── CannotWrap             nothing for a wallet or calendar can be made of a paper: says what it lacks, never what it shows
    ├── CannotRender           a connector cannot say this content on its channel; names the limit
    └── CannotDraw             no document can be made of this, or what was made does not read; nothing is sent
"""

from __future__ import annotations

from dataclasses import dataclass


class GatewayError(Exception):
    """The root: what the CLI prints as one line without a stack trace."""


class SettingsError(GatewayError):
    """One or more settings are wrong; `problems` lists them all, each naming the setting and the mend."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StoreError(GatewayError):
    pass


class StoreUnavailable(StoreError):
    pass


class NotReplicated(StoreUnavailable):
    pass


class StoreRefused(StoreError):
    pass


class LayoutMismatch(StoreError):
    pass


class SourceUnavailable(GatewayError):
    pass


class ProviderUnreachable(GatewayError):
    pass


class ProviderRefused(GatewayError):
    pass


class Sealed(GatewayError):
    pass


class NotFound(GatewayError):
    pass


class Conflict(GatewayError):
    pass


@dataclass(frozen=True, slots=True)
class Problem:
    """field: a path like data.times.departure.estimated; message: what it should be (never the value itself)."""

    field: str
    message: str


class BadInput(GatewayError):
    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.message}" for problem in problems))
        self.problems = problems


class BadPass(GatewayError, ValueError):
    pass


class CannotWrap(GatewayError):
    pass


class TooLarge(GatewayError):
    """An answer was longer than is read of one. The text holds nothing of it."""


class CannotRender(GatewayError):
    pass


class CannotDraw(GatewayError):
    """why: one of a closed list (gateway/documents/maker.py), for counters; the message names no value of the document."""

    def __init__(self, why: str, message: str) -> None:
        super().__init__(message)
        self.why = why
